#!lua flags=allow-oom
-- Says whether a look at the queues is due, which is the asker's then: one at a time looks.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 the look, which its asker has named · 3 ms between two looks
-- Returns { 1 or 0, the queues that are known to have had ready steps and nobody who serves them }
-- include base clock

local last, look = unpack(call("HMGET", KEYS[1], "watched", "watch"))
if look ~= ARGV[2] then
  if last and clock.now - last < tonumber(ARGV[3]) then return { 0, NONE } end
  -- Behind the look stands when the one before it was.
  call("HSET", KEYS[1], "watched", clock.text, "watch", ARGV[2], "watchedbefore", last or clock.text)
  clock.flush()
end
return { 1, call("HKEYS", PREFIX .. "orphans") }
