#!lua flags=allow-oom
-- Tells of a worker's start, the first time.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 session · 4 what it found, as JSON
-- Returns nothing
-- include base clock
-- later events

local key = PREFIX .. "session:" .. ARGV[3]
local found = call("HMGET", key, "state", "worker")
if found[1] ~= "open" or call("HSETNX", key, "announced", "1") == 0 then return end
events.addText("w" .. US .. US .. found[2] .. US .. ARGV[4])
events.flush(ARGV[2])
clock.flush()
