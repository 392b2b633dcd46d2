#!lua flags=allow-oom
-- Keeps since when queues have had ready steps and nobody who serves them, and tells of it, and of its end. The hash `orphans` has
-- `since,told` by queue.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 the look that this is of · 4 after how many ms it is told · 5 … of each queue that is so, or
--      was: its name, ready steps, sessions that serve it
-- Returns nothing; the figures of a look after which another has begun count for nothing
-- include base clock
-- later events

local look, last, before = unpack(call("HMGET", KEYS[1], "watch", "watched", "watchedbefore"))
if look ~= ARGV[3] then return end
local key, after = PREFIX .. "orphans", tonumber(ARGV[4])
local now, isAfterPause = tonumber(last), last - before > after

local function tell(letter, queue, ready, workers, since)
  events.addText(letter .. US .. US .. queue .. US .. ready .. " " .. workers .. " " .. string.format("%.0f", now - since))
end

for i = 5, #ARGV, 3 do
  local queue, ready, workers = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local since, told = string.match(call("HGET", key, queue) or "", "^(%d+),([01])$")
  if ready ~= "0" and workers == "0" then
    if told ~= "1" then
      if not since or isAfterPause then since = last end
      told = now - since >= after and "1" or "0"
      if told == "1" then tell("o", queue, ready, workers, since) end
      call("HSET", key, queue, since .. "," .. told)
    end
  elseif since then
    if told == "1" then tell("u", queue, ready, workers, since) end
    call("HDEL", key, queue)
  end
end
events.flush(ARGV[2])
clock.flush()
