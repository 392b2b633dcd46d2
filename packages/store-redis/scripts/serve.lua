#!lua flags=allow-oom
-- Says which queues a session serves from now on.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 session · 3 its queues and role as JSON
-- include base

local key = PREFIX .. "session:" .. ARGV[2]
if call("HGET", key, "state") == "open" then call("HSET", key, "serving", ARGV[3]) end
return 1
