#!lua flags=allow-oom
-- Marks a run as cancelling, and tells the sessions that hold steps of it; costs nothing for all other steps.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 run
-- Returns cancelled, cancelling, ended or unknown
-- include base core general flush

local run = runs.get(ARGV[3])
if not run then return "unknown" end
if run.state == CANCELLED then return "cancelled" end
if run.ended then return "ended" end
if run.cancelling then return "cancelling" end

run.cancelling, run.dirty = true, true
local status = run.holders == "" and "cancelled" or "cancelling"
local told = {}
for session in string.gmatch(run.holders, "([^ :]+):") do
  told[#told + 1] = session
  call("HSETNX", PREFIX .. "mail:" .. session, run.id, "0")
  local box = call("HGET", PREFIX .. "session:" .. session, "box")
  if box then ledger.post(session, box) end
end
if #told > 0 then call("HSET", run.key, "m", table.concat(told, " ")) end
flushAll(ARGV[2])
return status
