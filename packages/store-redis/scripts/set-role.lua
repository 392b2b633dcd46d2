#!lua flags=allow-oom
-- Makes, edits or deletes a role. The hash `roles` has its newest edits, joined by RS, each `version US instant US who US queues US concurrency`;
-- queues are `queue=weight` joined by &, none where it was deleted, and concurrency is "" where any number of steps may run at once. That
-- of the newest stands in the hash `caps` too.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 role · 3 who · 4 its queues, "" to leave them, or ! to delete it · 5 its concurrency, none or "" to leave it · 6 how many
--      edits are kept
-- Returns { its edits, 1 where this call changed it }; no edits where it is not there, and no queues are said
-- include base clock
-- later core

local role, queues, concurrency = ARGV[2], ARGV[4], ARGV[5]
local edited = call("HGET", PREFIX .. "roles", role) or ""
local version, before, cap = string.match(edited, "^(%d+)\31[^\31]*\31[^\31]*\31([^\30\31]*)\31([^\30]*)")
before, cap = before or "", cap or ""
if queues == "!" then queues, concurrency = "", "none" elseif queues == "" then
  if before == "" then return { "", 0 } end
  queues = before
end
if concurrency == "" then concurrency = cap elseif concurrency == "none" then concurrency = "" end
if queues == before and concurrency == cap then return { edited, 0 } end

local edits = { table.concat({ (version or 0) + 1, clock.text, ARGV[3], queues, concurrency }, US) }
for edit in string.gmatch(edited, "[^\30]+") do
  if #edits < tonumber(ARGV[6]) then edits[#edits + 1] = edit end
end
edited = table.concat(edits, RS)
call("HSET", PREFIX .. "roles", role, edited)
if concurrency == "" then
  call("HDEL", PREFIX .. "caps", role)
else
  call("HSET", PREFIX .. "caps", role, concurrency)
  call("HSET", KEYS[1], "capped", "1")
end
if clock.isCapped then roles.wake(role) end
clock.flush()
return { edited, 1 }
