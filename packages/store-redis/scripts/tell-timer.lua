#!lua flags=allow-oom
-- Wakes one of those who listen when the next timer comes before all of which somebody was told: its exchange says when that is
-- due. Called after a submission with a delay; what is due later than the promoters' polls they find by themselves.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 ms within which a timer is told of
-- Returns 1 when somebody was told, else 0
-- include base clock

local first = call("ZRANGE", PREFIX .. "timers", 0, 0, "WITHSCORES")[2]
if not first or tonumber(first) > clock.now + ARGV[2] then return 0 end
if call("HGET", KEYS[1], "told") == first then return 0 end
call("HSET", KEYS[1], "told", first)

-- All who listen stand in the line for control work.
local id = call("ZPOPMAX", PREFIX .. "idle:")[1]
if not id then return 0 end
local known = call("HMGET", PREFIX .. "session:" .. id, "box", "idle")
for _, queue in ipairs(splitBy(known[2] or "", US)) do call("ZREM", PREFIX .. "idle:" .. queue, id) end
if not known[1] then return 0 end
call("RPUSH", known[1], id)
call("PEXPIRE", known[1], 60000)
return 1
