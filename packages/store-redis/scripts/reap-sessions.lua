#!lua flags=allow-oom
-- Finds lost sessions, and takes their steps back.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 ms between two sweeps · 4 how many steps at most · 5 how many sessions are known to be gone ·
--      6 … these · … sessions that are lost unless renewed since, each with its expiry as it was read
-- Returns { how many were given back, how many quarantined, more 1 or 0, the sessions found lost }
-- include base clock
-- later core general session
-- include flush

-- After so many losses a step is quarantined.
local MAX_LOST = 3

local sweepMs, limit = tonumber(ARGV[3]), tonumber(ARGV[4])
local lost, returned, quarantined = {}, 0, 0

local function lose(id)
  if call("HGET", PREFIX .. "session:" .. id, "state") ~= "open" then return end
  session.leave(id, "lost")
  lost[#lost + 1] = id
end

-- When nobody swept for more than two sweeps, nobody could renew either, as far as one can know: all get their time again.
local function extendAfterPause()
  local swept = tonumber(call("HGET", KEYS[1], "swept"))
  call("HSET", KEYS[1], "swept", string.format("%.0f", clock.now))
  if not swept or clock.now - swept <= 2 * sweepMs then return false end
  for _, id in ipairs(call("ZRANGEBYSCORE", PREFIX .. "sessions", "-inf", "(+inf")) do
    local key = PREFIX .. "session:" .. id
    call("ZADD", PREFIX .. "sessions", "GT", clock.now + (tonumber(call("HGET", key, "lease")) or 0), id)
    call("HDEL", key, "suspect")
  end
  return true
end

-- Sessions that this sweep and one at least `sweepMs` ago found expired are lost; others that are expired become suspects.
local function loseExpired()
  for _, id in ipairs(call("ZRANGEBYSCORE", PREFIX .. "sessions", "-inf", "(" .. string.format("%.0f", clock.now), "LIMIT", 0, 500)) do
    local key = PREFIX .. "session:" .. id
    local suspect = tonumber(call("HGET", key, "suspect"))
    if not suspect then
      call("HSET", key, "suspect", string.format("%.0f", clock.now))
    elseif suspect <= clock.now - sweepMs then
      lose(id)
    end
  end
end

-- A step whose worker vanished goes back to its line, the third time to quarantine.
local function takeBack(step)
  local run = step.run
  step.lost, step.dirty = step.lost + 1, true
  history.keep(step, "lost")
  events.add(run, "l", step.address, tostring(step.lost))
  -- A settled step has nothing left to fail: saying what follows goes on until somebody has done it.
  if step.lost < MAX_LOST or step.phase == ADVANCE or run.cancelling or run.ended then
    returned = returned + 1
    return report.giveBack(step)
  end
  quarantined = quarantined + 1
  values.put(run, step.address .. ":error",
    '{"name":"StepQuarantined","message":"the worker of this step vanished ' .. step.lost .. ' times while it ran"}')
  events.add(run, "q", step.address, tostring(step.lost))
  settle.step(step, FAILED, "quarantined")
end

local goneUntil = 5 + tonumber(ARGV[5])
for i = 6, goneUntil do lose(ARGV[i]) end
for i = goneUntil + 1, #ARGV, 2 do
  local expires = tonumber(call("ZSCORE", PREFIX .. "sessions", ARGV[i]))
  if expires and expires <= tonumber(ARGV[i + 1]) then lose(ARGV[i]) end
end
if not extendAfterPause() then loseExpired() end

local more = 0
local over = {}
for _, id in ipairs(call("SRANDMEMBER", PREFIX .. "leaving", 500)) do
  if limit <= 0 then
    more = 1
    break
  end
  local isLost = call("HGET", PREFIX .. "session:" .. id, "state") == "lost"
  local function act(step)
    limit = limit - 1
    if isLost then takeBack(step) else report.giveBack(step) end
  end
  if session.returnHeld(id, limit, act) then more = 1 else over[#over + 1] = id end
end
flushAll(ARGV[2])
for _, id in ipairs(over) do session.over(id) end
return { returned, quarantined, more, lost }
