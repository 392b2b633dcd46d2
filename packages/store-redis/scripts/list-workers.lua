#!lua flags=allow-oom
-- Reads a page of the open sessions, or of those of one host, or of one worker's name.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 which: `sessions`, `host:<host>` or `worker:<name>` · 3 cursor, first 0 · 4 about how many
-- Returns { the next cursor, for each session: id, expiry, about (JSON), opened, its lease, how many steps it holds, and what it told last or
--      false: lag, when it was heard, slots, running, waiting }
-- include base

local list = {}
local isAll = ARGV[2] == "sessions"
local page = call(isAll and "ZSCAN" or "SSCAN", PREFIX .. ARGV[2], ARGV[3], "COUNT", ARGV[4])
for i = 1, #page[2], isAll and 2 or 1 do
  local id = page[2][i]
  local expires = call("ZSCORE", PREFIX .. "sessions", id)
  local known = call("HMGET", PREFIX .. "session:" .. id, "about", "opened", "state", "lease", "lag", "heard", "slots", "running", "waiting")
  if expires and known[1] and known[3] == "open" then
    list[#list + 1] = { id, expires, known[1], known[2], known[4], call("SCARD", PREFIX .. "held:" .. id), known[5], known[6], known[7],
      known[8], known[9] }
  end
end
return { page[1], list }
