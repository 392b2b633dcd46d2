#!lua flags=allow-oom
-- Looks through some steps of a run that is too large for one transition.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 repair, 1 or 0 · 4 run · 5 … addresses
-- Returns { what they add up to, as JSON (see shared/check-sums.lua); problems }
-- include base clock
-- later core general
-- include check check-uses check-read check-sums newest check-run flush

local run = check.runOf(ARGV[4])
local sums, list = check.newSums(), {}
for i = 5, #ARGV do
  local step = run and not run.purged and check.stepOf(run, ARGV[i])
  if step then
    list[#list + 1] = step
    check.add(sums, step)
  end
end
for _, step in ipairs(list) do check.place(step) end
if check.repair then flushAll(ARGV[2]) end
return { cjson.encode(sums), check.found }
