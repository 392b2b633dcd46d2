-- The end of a run: it goes to the shelf from which retention takes it, or, with a time of its own, into the zset `kept`.

-- Members of a map or dag that was given up may run on when all else has ended: nobody waits for them any more.
local function endLeases(run)
  local holders = {}
  for session in string.gmatch(runs.holdersOf(run), "([^ :]+):%d+") do holders[#holders + 1] = session end
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

-- Marks a run as cancelling, and tells the sessions that hold steps of it.
function settle.cancel(run)
  run.cancelling, run.dirty = true, true
  local told = {}
  for session in string.gmatch(runs.holdersOf(run), "([^ :]+):") do
    told[#told + 1] = session
    call("HSETNX", PREFIX .. "mail:" .. session, run.id, "0")
    local box = call("HGET", PREFIX .. "session:" .. session, "box")
    if box then ledger.post(session, box) end
  end
  if #told > 0 then call("HSET", run.key, "m", table.concat(told, " ")) end
end

-- Has a run be over so many milliseconds after its submission; what stands for an address in its timer no step is called.
function settle.setDeadline(run, ms)
  local writes = own(run, "writes")
  local n = #writes
  writes[n + 1], writes[n + 2] = "d", ms
  settle.addDeadline(run, ms)
end

function settle.addDeadline(run, ms)
  call("ZADD", PREFIX .. "timers", run.created + ms, string.format("%015.0f", tonumber(clock.nextSeq())) .. "|" .. run.id .. "|!")
end

-- Cancels a run whose deadline has passed; false where it has none any more, or is being cancelled anyway. An id may be another run's by
-- now, so the timer alone says nothing.
function settle.expireRun(run)
  local ms = tonumber(call("HGET", run.key, "d") or "")
  if not ms or run.cancelling or run.created + ms > clock.now then return false end
  call("HSET", run.key, "d", "!" .. ms)
  values.drop(run, ":failure")
  values.put(run, ":failure", '{"step":"","error":{"name":"DeadlineExceeded","message":"the run was not over ' .. ms
    .. ' ms after its submission, which was its deadline"}}')
  settle.cancel(run)
  if runs.holdersOf(run) == "" then settle.endRun(run, CANCELLED) end
  return true
end

-- True for a run that is cancelled because its deadline has passed.
local function isExpired(run)
  return string.sub(call("HGET", run.key, "d") or "", 1, 1) == "!"
end

-- A run that is retried by hand may take as long as it likes.
function settle.dropDeadline(run)
  if isExpired(run) then values.drop(run, ":failure") end
  call("HDEL", run.key, "d")
end

function settle.endRun(run, state)
  if run.ended then return end
  if state == CANCELLED and run.cancelling and isExpired(run) then state = FAILED end
  if run.state == SCHEDULED then settle.unlist(run) end
  if state ~= SUCCEEDED and run.keep ~= "0" then settle.list(run, state) end
  run.state, run.ended, run.dirty = state, run.age, true
  if runs.holdersOf(run) ~= "" then endLeases(run) end
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
