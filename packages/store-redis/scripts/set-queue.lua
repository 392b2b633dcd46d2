#!lua flags=allow-oom
-- Edits a queue, and has those who listen to one that is resumed look at once.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 queue · 3 who · 4 paused and 5 drained, each 1, 0 or "" to leave it · 6 maximum, none, default or "" to leave it
-- Returns how it is set now (see shared/steering.lua)
-- include base core sticky

local queue, by = ARGV[2], ARGV[3]
local now = steering.read(queue)
local isNews, wasPaused = false, now.paused == "1"

local function set(field, value)
  if value == "" or now[field] == value then return end
  now[field], isNews = value, true
end

set("paused", ARGV[4])
set("draining", ARGV[5])
if ARGV[6] ~= "default" then
  set("max", ARGV[6])
elseif now.max ~= "" then
  now.max, isNews = "", true
end
-- Repeated, an edit changes nothing.
if not isNews then return steering.textOf(now) end

now.version, now.at, now.by = text(now.version + 1), clock.text, by
steering.write(queue, now)
if wasPaused and now.paused == "0" then
  ledger.reopen(queue)
  if clock.isSticky then sticky.reopen(queue) end
end
ledger.flush()
clock.flush()
return steering.textOf(now)
