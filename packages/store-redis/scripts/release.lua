#!lua flags=allow-oom
-- Gives steps back without costing a try. Stale leases are ignored.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 … leases: run, address, fence
-- Returns nothing
-- include base clock
-- later core general
-- include flush

for i = 3, #ARGV, 3 do
  local step = report.stepBehind(ARGV[i], ARGV[i + 1])
  if step and step.fence == ARGV[i + 2] and step.session then report.giveBack(step) end
end
flushAll(ARGV[2])
