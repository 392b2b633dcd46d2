#!lua flags=allow-oom
-- Reads all open sessions, in one call: every worker asks for that with each of its sweeps.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 how many at most
-- Returns for each session: id, expiry, about (JSON), opened, its lease, how many steps it holds, and what it told last or false: lag, when it was
--      heard, slots, running; and what it serves by now (JSON), where that has changed
-- include base

local list = {}
local found = call("ZRANGE", PREFIX .. "sessions", 0, ARGV[2] - 1, "WITHSCORES")
for i = 1, #found, 2 do
  local id = found[i]
  local known = call("HMGET", PREFIX .. "session:" .. id, "about", "opened", "state", "lease", "lag", "heard", "slots", "running", "serving")
  if known[1] and known[3] == "open" then
    list[#list + 1] = { id, found[i + 1], known[1], known[2], known[4], call("SCARD", PREFIX .. "held:" .. id), known[5], known[6], known[7],
      known[8], known[9] }
  end
end
return list
