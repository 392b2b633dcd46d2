-- Leases. The hash `held:<session>` has the fence of each step that a session holds, under `run|address`.

local taken, given = {}, {}

-- Gives a step to a session: its fence grows, and whoever had it before may report no more.
function lease.grant(step, session)
  local run = step.run
  step.fence = step.fence + 1
  step.session, step.worker, step.seq, step.dirty = session.id, session.worker, 0, true
  -- A settled step that is advanced stays what it is.
  if step.phase ~= ADVANCE then
    steps.move(step, RUNNING)
    step.started = clock.now
  end
  if step.phase == RUN then ledger.running(step.spec.queue, 1) end
  run.holders[session.id] = (run.holders[session.id] or 0) + 1
  run.held = run.held + 1
  run.started = run.started or clock.now
  run.dirty = true
  taken[#taken + 1] = run.id .. "|" .. step.address
  taken[#taken + 1] = step.fence
  taken.session = session.id
end

-- Ends a lease where there is one. To be called before the step's phase changes.
function lease.finish(step)
  local run, session = step.run, step.session
  if not session then return end
  local list = given[session]
  if not list then
    list = {}
    given[session] = list
  end
  list[#list + 1] = run.id .. "|" .. step.address
  if step.phase == RUN then ledger.running(step.spec.queue, -1) end
  step.session, step.dirty = nil, true
  local left = run.holders[session] - 1
  run.holders[session] = left > 0 and left or nil
  run.held = run.held - 1
  run.dirty = true
end

-- Removals go first: a step may be given back and taken again by the same session.
function lease.flush()
  for session, list in pairs(given) do callMany("HDEL", PREFIX .. "held:" .. session, list) end
  if taken.session then callMany("HSET", PREFIX .. "held:" .. taken.session, taken) end
end
