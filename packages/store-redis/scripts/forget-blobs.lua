#!lua flags=allow-oom
-- Forgets runs whose blobs are deleted; one whose id is remembered is looked at once more when it no longer is.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 how much later, in ms · 3 … the runs
-- Returns OK
-- include base clock

local key = PREFIX .. "blobs"
for i = 3, #ARGV do
  local id = ARGV[i]
  local isKnown = call("HEXISTS", PREFIX .. "run:" .. id, "h") == 1 or call("HEXISTS", PREFIX .. "packed", id) == 1
  if not isKnown then
    call("ZREM", key, id)
  elseif call("ZSCORE", key, id) then
    call("ZADD", key, clock.now + ARGV[2], id)
  end
end
clock.flush()
return "OK"
