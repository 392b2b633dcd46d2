#!lua flags=allow-oom
-- Prolongs a session. One that has expired, but whose steps nobody has taken back yet, lives on. Costs the same however much it
-- holds.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 session
-- Returns { "alive", how many steps it holds, mail (run ids) } or { "lost" }
-- include base clock session

local key = PREFIX .. "session:" .. ARGV[2]
local found = call("HMGET", key, "state", "lease")
if found[1] ~= "open" then return { "lost" } end
call("ZADD", PREFIX .. "sessions", found[2] == "inf" and "+inf" or clock.now + found[2], ARGV[2])
call("HDEL", key, "suspect")
clock.flush()
return { "alive", call("SCARD", PREFIX .. "held:" .. ARGV[2]), session.mail(ARGV[2]) }
