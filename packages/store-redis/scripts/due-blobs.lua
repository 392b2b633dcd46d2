#!lua flags=allow-oom
-- Tells the noted runs of which nothing is kept. Those that are there are looked at again later.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 limit · 3 how much later, in ms
-- Returns { runs, more 1 or 0 }
-- include base clock
-- later packed

local key, limit = PREFIX .. "blobs", tonumber(ARGV[2])
local ids, gone = call("ZRANGEBYSCORE", key, "-inf", clock.now, "LIMIT", 0, limit), {}
packed.fetch(ids)
for _, id in ipairs(ids) do
  local status = packed.known[id] and "" or call("HGET", PREFIX .. "run:" .. id, "s")
  if not status or string.match(status, "^.,.,.,%d*,%d*,%d+,%d+,%d+,.,(.),") == "1" then
    gone[#gone + 1] = id
  else
    call("ZADD", key, clock.now + ARGV[3], id)
  end
end
clock.flush()
return { gone, #ids == limit and 1 or 0 }
