#!lua flags=allow-oom
-- Edits a queue, and has those who listen to one that is resumed look at once.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 queue · 3 who · 4 paused and 5 drained, each 1, 0 or "" to leave it
--      6 of how many keys edits may say a weight · 7 … by turns a part of its policy and what it is to be, as JSON or `default`; the part `w:`
--      with `default`: all weights
-- Returns of how many keys edits would say a weight, where these are too many; else how it is set now (see shared/steering.lua)
-- include base clock
-- later core sticky

local queue, by = ARGV[2], ARGV[3]
local now = steering.read(queue)
local isNews, wasPaused = false, now.paused == "1"

local function set(field, value)
  if value == "" or now[field] == value then return end
  now[field], isNews = value, true
end

set("paused", ARGV[4])
set("draining", ARGV[5])
for i = 7, #ARGV, 2 do
  local part, value = ARGV[i], ARGV[i + 1]
  if part == "w:" then
    local rest = steering.withoutWeights(now.edit)
    if rest ~= now.edit then now.edit, isNews = rest, true end
  elseif steering.says(now.edit, part) ~= value then
    now.edit, isNews = steering.withPart(now.edit, part, value), true
  end
end
local weights = steering.countWeights(now.edit)
if weights > tonumber(ARGV[6]) then return weights end
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
