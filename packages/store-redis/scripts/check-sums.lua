#!lua flags=allow-oom
-- Looks through a large run as a whole, after its steps were added up. While they were, the run may have gone on: so a difference
-- is told only where the last recount, with the same records, found the very same.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 repair, 1 or 0 · 4 run · 5 sums as JSON · 6 the last call's differences joined by RS
--      7 how many bodies · 8 … owners of bodies, then the fields of counts
-- Returns { differences that were not there last time; problems }
-- include base clock
-- later core general
-- include check check-uses check-read check-sums newest check-run flush

local run, head, plan = check.runOf(ARGV[4])
if not run or run.purged then return { {}, check.found } end
local fields, last = { bodies = {}, names = {} }, {}
for i = 8, #ARGV do
  local list = i < 8 + tonumber(ARGV[7]) and fields.bodies or fields.names
  list[#list + 1] = ARGV[i]
end
for _, each in ipairs(splitBy(ARGV[6], RS)) do last[each] = true end
local sums = cjson.decode(ARGV[5])
-- Which steps can move is no sum that could be compared, so that of a large run nobody says that it is stuck.
sums.moving = 1
local unsure, finish = check.whole(run, head, plan, sums, fields, function(difference) return last[difference] end)
finish()
if check.repair then flushAll(ARGV[2]) end
return { unsure, check.found }
