#!lua flags=allow-oom
-- Prolongs a session, and keeps what its worker tells of itself. One that has expired, but whose steps nobody has taken back yet, lives
-- on. Costs the same however much it holds, and then what it tells.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 session · 4 its main loop's lag in ms, or "" where it tells nothing · 5 number of its bulletin, or "" where
--      there is none · 6 slots · 7 running · 8 waiting or "" · 9 how many beats · 10 … these, six each: `run|address|fence`, ms since it was given, ms for
--      which `at` has been so, `at` as JSON or "", the rest, what is told of it or "" · … tasks and what their attempts took, by turns
-- Returns { "alive", how many steps it holds, mail (run ids), the places of stale beats from 0 on } or { "lost" }
-- include base clock events session vitals

local id = ARGV[3]
local key = PREFIX .. "session:" .. id
local found = call("HMGET", key, "state", "lease", "told")
if found[1] ~= "open" then return { "lost" } end
local beats = vitals.readBeats(id, 10, tonumber(ARGV[9]))
local isNew = ARGV[5] ~= "" and tonumber(ARGV[5]) > (tonumber(found[3]) or 0)
call("ZADD", PREFIX .. "sessions", found[2] == "inf" and "+inf" or clock.now + found[2], id)
call("HDEL", key, "suspect")
if ARGV[4] ~= "" then call("HSET", key, "lag", ARGV[4]) end
-- What is repeated is answered alike, and changes nothing.
if isNew then
  call("HSET", key, "told", ARGV[5], "heard", clock.text, "slots", ARGV[6], "running", ARGV[7], "waiting", ARGV[8])
  vitals.keepBeats(id, beats)
  for i = 10 + 6 * #beats, #ARGV, 2 do vitals.addDurations(ARGV[i], ARGV[i + 1]) end
end
events.flush(ARGV[2])
clock.flush()
return { "alive", call("SCARD", PREFIX .. "held:" .. id), session.mail(id), vitals.staleOf(beats) }
