#!lua flags=allow-oom
-- Starts what is due, oldest first: waiting steps, and scheduled runs (whose timers have no address). Ends what has waited too long:
-- ready steps, and runs whose deadline has passed (the address of their timers is `!`). Has limits look at the lines that are parked on
-- them, and moves sticky steps on that their worker has left (their lines' timers have the run `@`).
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 limit
-- Returns { how many, ms until the next timer or false, ms until the next limit is to look or false (see shared/parking.lua) }
-- include base clock
-- later core general rerun reopen retry
-- include flush

-- How many entry steps of scheduled runs one call starts.
local STEP_LIMIT = 1000

-- About how many steps one script of a retry by hand handles.
local RETRY_STEPS = 500

-- Makes a waiting step ready, or has a ready one expire, if it still waits for this very timer.
local function wake(run, address, seq)
  local step = steps.get(run, address)
  if not step or tonumber(step.seq) ~= tonumber(seq) then return 0 end
  if step.state == WAITING then
    ready.release(step)
  elseif run.cancelling or not ready.hasExpired(step) then
    return 0
  elseif ready.isStopped(step) then
    settle.step(step, CANCELLED, "stopped")
  else
    ready.expire(step)
  end
  return 1
end

-- Whatever a timer of a run that goes on is for; answers how many steps that made ready, at least 1 where anything came of it.
local function ring(run, address, seq)
  if address == "!" then return settle.expireRun(run) and 1 or 0 end
  return wake(run, address, seq)
end

-- Starts a scheduled run; answers how many steps that made ready. None of them lies inside a map.
local function startRun(run)
  if run.state ~= SCHEDULED then return 0 end
  run.state, run.dirty = STARTED, true
  call("ZREM", PREFIX .. "listed:d", run.id)
  local n = 0
  for _, field in ipairs(call("HKEYS", run.key)) do
    if string.sub(field, 1, 1) == "@" then
      ready.release(steps.get(run, string.sub(field, 2)))
      n = n + 1
    end
  end
  settle.endBodyIfDone(run, "")
  return n
end

local promoted, started, gone, stuck = 0, 0, {}, {}
for _, member in ipairs(call("ZRANGEBYSCORE", PREFIX .. "timers", "-inf", clock.now, "LIMIT", 0, ARGV[3])) do
  if started >= STEP_LIMIT then break end
  gone[#gone + 1] = member
  local seq, id, address = string.match(member, "^(-?%d+)|([^|]*)|(.*)$")
  if id == "@" then stuck[#stuck + 1] = address end
  local run = id ~= "" and id ~= "@" and runs.get(id, address ~= "" and address or nil)
  local place = run and address == "" and retry.placeOf(run)
  if place then
    -- Its caller has vanished, perhaps.
    if retry.goOn(run, place) then retry.wakePromoter(run) end
    started, promoted = started + RETRY_STEPS, promoted + 1
  elseif run and not run.ended then
    local n = address == "" and startRun(run) or address ~= "" and ring(run, address, seq) or 0
    started = started + n
    if n > 0 or address == "" then promoted = promoted + 1 end
  end
end
if #gone > 0 then callMany("ZREM", PREFIX .. "timers", gone) end
for _, line in ipairs(stuck) do promoted = promoted + sticky.ring(line) end
if limits.isOn then promoted = promoted + limits.ringDue(ARGV[3]) end
flushAll(ARGV[2])
return { promoted, clock.nextDueMs(), limits.isOn and limits.nextOpeningMs() }
