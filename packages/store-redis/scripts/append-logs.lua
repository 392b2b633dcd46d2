-- Keeps lines that attempts have logged. Where Redis is out of memory it is refused: lines are what can be done without.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 the most lines of a step · 4 the most bytes · 5 how many attempts of a step are told apart ·
--      6 … the parts, six each: run · address · fence · number of the first line · how many lines · these
-- Returns nothing
-- include base clock
-- later events logs

for at = 6, #ARGV, 6 do
  local id = ARGV[at]
  if logs.isKept(id) then logs.append(id, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]) end
end
events.flush(ARGV[2])
clock.flush()
