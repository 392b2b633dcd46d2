-- Leases. The set `held:<session>` has each step that a session holds, as `run|address|fence`; a single as its run alone. What its worker
-- told of its progress stands in `beats:<session>` under the same, and ends with it. Those of them that are control work stand in `control:<session>` too.

local taken, given = {}, {}
-- The same of control work; and the sessions of other roles than the exchange's own that have lost a lease on a step to run.
local chores, done, freed = {}, {}, {}
-- Sessions of which it is known that they told of no progress.
lease.silent = {}

-- Gives a step to a session: its fence grows, and whoever had it before may report no more.
function lease.grant(step, session)
  local run = step.run
  step.fence = text(step.fence + 1)
  step.session, step.worker, step.seq, step.dirty = session.id, session.worker, "", true
  -- A settled step that is advanced stays what it is.
  if step.phase ~= ADVANCE then
    steps.move(step, RUNNING)
    step.started = run.age
  end
  if step.phase == RUN then
    step.near = nil
    ledger.running(step.spec.queue, 1)
  end
  runs.hold(run, session.id, 1)
  if run.started == "" then run.started = run.age end
  local member = lease.memberOf(step)
  lease.note(session.id, member)
  if step.phase ~= RUN then chores[#chores + 1] = member end
end

function lease.memberOf(step)
  return step.run.id .. "|" .. step.address .. "|" .. step.fence
end

function lease.note(session, member)
  taken[#taken + 1] = member
  taken.session = session
end

-- The list of what a session holds from now on: there is but one that takes.
function lease.takenBy(session)
  taken.session = session
  return taken
end

-- A member of held: run, address, fence.
function lease.read(member)
  local run, address, fence = string.match(member, "^([^|]*)|(.*)|(%d+)$")
  if run then return run, address, fence end
  local record = packed.get(member)
  return member, record and kinds.get(record.kind).entry or "", "1"
end

-- The list of what a session holds no longer.
function lease.droppedBy(session)
  local list = given[session]
  if not list then
    list = {}
    given[session] = list
  end
  return list
end

-- Notes that a lease has ended: one on a step to run makes room in the session's role.
function lease.drop(session, member, isControl)
  if isControl then
    local list = done[session] or {}
    done[session] = list
    list[#list + 1] = member
  elseif clock.isCapped then
    if take.crew and take.crew[session] then roles.makeRoom() else freed[session] = true end
  end
  local list = lease.droppedBy(session)
  list[#list + 1] = member
end

-- Takes an entry away that is of no lease.
function lease.strike(session, member)
  call("SREM", PREFIX .. "held:" .. session, member)
  call("SREM", PREFIX .. "control:" .. session, member)
  call("HDEL", PREFIX .. "beats:" .. session, member)
end

-- Ends a lease where there is one. To be called before the step's phase changes.
function lease.finish(step)
  local run, session = step.run, step.session
  if not session then return end
  lease.drop(session, lease.memberOf(step), step.phase ~= RUN)
  if step.phase == RUN then
    ledger.running(step.spec.queue, -1)
    if step.uses and limits.isOn then
      local isSingle = run.packed and run.packed.isSingle
      limits.free(step.uses, isSingle and run.id or lease.memberOf(step))
      step.uses = limits.saidIn(step.uses)
    end
  end
  step.session, step.dirty = false, true
  runs.hold(run, session, -1)
end

-- Removals go first: a step may be given back and taken again by the same session.
function lease.flush()
  for session, list in pairs(done) do callMany("SREM", PREFIX .. "control:" .. session, list) end
  for session, list in pairs(given) do
    callMany("SREM", PREFIX .. "held:" .. session, list)
    if not lease.silent[session] then callMany("HDEL", PREFIX .. "beats:" .. session, list) end
  end
  if taken.session then callMany("SADD", PREFIX .. "held:" .. taken.session, taken) end
  if chores[1] then callMany("SADD", PREFIX .. "control:" .. taken.session, chores) end
  if clock.isCapped then roles.flush(freed) end
end
