#!lua flags=allow-oom
-- Prolongs a session, and keeps what its worker tells of itself. One that has expired, but whose steps nobody has taken back yet, lives
-- on. Costs the same however much it holds, and then what it tells.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 session · 3 its main loop's lag in ms, or "" where it tells nothing · 4 number of its bulletin, or "" where
--      there is none · 5 slots · 6 running · 7 how many beats · 8 … these, five each: `run|address|fence`, ms since it was given, ms for
--      which `at` has been so, `at` as JSON or "", the rest · … tasks and what their attempts took, by turns
-- Returns { "alive", how many steps it holds, mail (run ids), the places of stale beats from 0 on } or { "lost" }
-- include base clock session vitals

local id = ARGV[2]
local key = PREFIX .. "session:" .. id
local found = call("HMGET", key, "state", "lease", "told")
if found[1] ~= "open" then return { "lost" } end
local beats = vitals.readBeats(id, 8, tonumber(ARGV[7]))
local isNew = ARGV[4] ~= "" and tonumber(ARGV[4]) > (tonumber(found[3]) or 0)
call("ZADD", PREFIX .. "sessions", found[2] == "inf" and "+inf" or clock.now + found[2], id)
call("HDEL", key, "suspect")
if ARGV[3] ~= "" then call("HSET", key, "lag", ARGV[3]) end
-- What is repeated is answered alike, and changes nothing.
if isNew then
  call("HSET", key, "told", ARGV[4], "heard", clock.text, "slots", ARGV[5], "running", ARGV[6])
  vitals.keepBeats(id, beats)
  for i = 8 + 5 * #beats, #ARGV, 2 do vitals.addDurations(ARGV[i], ARGV[i + 1]) end
end
clock.flush()
return { "alive", call("SCARD", PREFIX .. "held:" .. id), session.mail(id), vitals.staleOf(beats) }
