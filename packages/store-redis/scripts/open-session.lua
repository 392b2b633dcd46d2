#!lua
-- Opens a session under an id that the client made, and keeps what it registers. Repeated, it answers the session that is there.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 id · 4 worker · 5 lease in ms or "inf" · 6 serves, each between line feeds
--      7 about, the opening as JSON · 8 tasks and their limits, `task US rules US settings` (see shared/limit-edits.lua) joined by RS
--      9 the sets of its host and of its worker's name, joined by US · 10 its role, or "" · 11 … registrations: name, kind, plan, plan's text, what else there is
--      of it as JSON
-- Returns the instant of its opening
-- include base clock
-- later core plans limit-edits

local key = PREFIX .. "session:" .. ARGV[3]
local opened = call("HGET", key, "opened")
if opened then return opened end

local now = string.format("%.0f", clock.now)
for task, rules, settings in string.gmatch(ARGV[8], "([^\30\31]+)\31([^\30\31]*)\31([^\30\31]*)") do limits.register(task, rules, settings) end
for i = 11, #ARGV, 5 do plans.register(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]) end
call("HSET", key, "state", "open", "worker", ARGV[4], "lease", ARGV[5], "serves", ARGV[6], "about", ARGV[7], "opened", now, "sets", ARGV[9])
call("ZADD", PREFIX .. "sessions", ARGV[5] == "inf" and "+inf" or clock.now + ARGV[5], ARGV[3])
for _, set in ipairs(splitBy(ARGV[9], US)) do call("SADD", PREFIX .. set, ARGV[3]) end
if ARGV[10] ~= "" then
  call("HSET", key, "role", ARGV[10])
  call("SADD", PREFIX .. "role:" .. ARGV[10], ARGV[3])
end
clock.flush()
return now
