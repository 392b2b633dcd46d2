#!lua flags=allow-oom
-- Makes, edits or deletes a role. The hash `roles` has its newest edits, joined by RS, each `version US instant US who US queues`; these are
-- `queue=weight` joined by &, and none where it was deleted.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 role · 3 who · 4 its queues, or "" to delete it · 5 how many edits are kept
-- Returns { its edits, 1 where this call changed it }
-- include base clock

local key, role, queues = PREFIX .. "roles", ARGV[2], ARGV[4]
local text = call("HGET", key, role) or ""
local version, current = string.match(text, "^(%d+)\31[^\31]*\31[^\31]*\31([^\30]*)")
if queues == (current or "") then return { text, 0 } end

local edits = { table.concat({ (version or 0) + 1, clock.text, ARGV[3], queues }, US) }
for edit in string.gmatch(text, "[^\30]+") do
  if #edits < tonumber(ARGV[5]) then edits[#edits + 1] = edit end
end
text = table.concat(edits, RS)
call("HSET", key, role, text)
clock.flush()
return { text, 1 }
