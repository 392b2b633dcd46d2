-- The end of a run: it goes to the shelf from which retention takes it, or, with a time of its own, into the zset `kept`.

-- Members of a map or dag that was given up may run on when all else has ended: nobody waits for them any more.
local function endLeases(run)
  local holders = {}
  for session in string.gmatch(run.holders, "([^ :]+):%d+") do holders[#holders + 1] = session end
  for _, session in ipairs(holders) do
    for _, member in ipairs(call("SMEMBERS", PREFIX .. "held:" .. session)) do
      local id, address = lease.read(member)
      local step = id == run.id and steps.get(run, address)
      if step and step.session == session then lease.finish(step) end
    end
  end
end

-- Runs in one of these states are listed apart, by number: `listed:d` scheduled, `listed:f` failed, `listed:c` cancelled.
function settle.list(run, state)
  call("ZADD", PREFIX .. "listed:" .. state, string.match(run.head, "^%d+,.,(%d+),"), run.id)
end

function settle.unlist(run)
  call("ZREM", PREFIX .. "listed:" .. run.state, run.id)
end

function settle.endRun(run, state)
  if run.ended then return end
  if run.state == SCHEDULED then settle.unlist(run) end
  if state ~= SUCCEEDED and run.keep ~= "0" then settle.list(run, state) end
  run.state, run.ended, run.dirty = state, run.age, true
  if run.holders ~= "" then endLeases(run) end
  if run.cancelling then
    for session in string.gmatch(call("HGET", run.key, "m") or "", "%S+") do call("HDEL", PREFIX .. "mail:" .. session, run.id) end
  end
  events.add(run, "e", "", run.tally ~= NONE and state .. " " .. events.tallyOf(run) or state)
  if run.keep == "0" then
    -- Nobody wants the result: gone at once for readers, deleted by the next purge.
    run.purged = true
    shelves.add("purging", run.id)
  elseif run.keep ~= "" then
    call("ZADD", PREFIX .. "kept", clock.now + run.keep, run.id)
  else
    shelves.add("ended:" .. state, clock.stamp .. run.id)
  end
end
