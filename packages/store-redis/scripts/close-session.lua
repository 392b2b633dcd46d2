#!lua flags=allow-oom
-- Ends a session, and gives back a part of what it holds.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 session · 4 how many steps to give back at most
-- Returns 1 when there are more
-- include base clock
-- later core general session
-- include flush

local id = ARGV[3]
local state = call("HGET", PREFIX .. "session:" .. id, "state")
if state == "open" then session.leave(id, "closing") elseif state ~= "closing" then return 0 end
local more = session.returnHeld(id, tonumber(ARGV[4]), report.giveBack)
flushAll(ARGV[2])
if not more then session.over(id) end
return more and 1 or 0
