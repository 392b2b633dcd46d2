#!lua flags=allow-oom
-- Notes that blobs of runs may be written; what was to be deleted sooner is waited for anew.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 how long is waited for a run that is not there, in ms · 3 … the runs
-- Returns OK
-- include base clock

local key, due = PREFIX .. "blobs", clock.now + ARGV[2]
for i = 3, #ARGV do
  if tonumber(call("ZSCORE", key, ARGV[i]) or 0) < due then call("ZADD", key, due, ARGV[i]) end
end
clock.flush()
return "OK"
