#!lua flags=allow-oom
-- Forgets dead letters; their steps and runs stay as they are, but for runs that only these letters kept.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 … run, address, run, address …
-- Returns how many there were
-- include base clock
-- later core letters

local gone = 0
for i = 2, #ARGV, 2 do
  if letters.forget(ARGV[i], ARGV[i + 1]) then gone = gone + 1 end
end
clock.flush()
return gone
