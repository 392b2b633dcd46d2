-- Leases. The hash `held:<session>` has the fence of each step that a session holds, under `run|address`; of a single, the address
-- under the run.

local taken, given = {}, {}

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
  if step.phase == RUN then ledger.running(step.spec.queue, 1) end
  runs.hold(run, session.id, 1)
  if run.started == "" then run.started = run.age end
  lease.note(session.id, run.id .. "|" .. step.address, step.fence)
end

function lease.note(session, member, fence)
  local n = #taken
  taken[n + 1], taken[n + 2] = member, fence
  taken.session = session
end

-- A field of held: run, address, fence.
function lease.read(field, value)
  local run, address = string.match(field, "^([^|]*)|(.*)$")
  if run then return run, address, value end
  return field, value, "1"
end

function lease.drop(session, member)
  local list = given[session]
  if not list then
    list = {}
    given[session] = list
  end
  list[#list + 1] = member
end

-- Ends a lease where there is one. To be called before the step's phase changes.
function lease.finish(step)
  local run, session = step.run, step.session
  if not session then return end
  lease.drop(session, run.id .. "|" .. step.address)
  if step.phase == RUN then ledger.running(step.spec.queue, -1) end
  step.session, step.dirty = false, true
  runs.hold(run, session, -1)
end

-- Removals go first: a step may be given back and taken again by the same session.
function lease.flush()
  for session, list in pairs(given) do callMany("HDEL", PREFIX .. "held:" .. session, list) end
  if taken.session then callMany("HSET", PREFIX .. "held:" .. taken.session, taken) end
end
