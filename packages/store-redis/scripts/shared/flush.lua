-- Writes all that a script has changed in memory; the last act of every script that changes something.

local function flushAll(eventsKept)
  runs.flush()
  lease.flush()
  settle.flush()
  ledger.flush()
  events.flush(tonumber(eventsKept))
  clock.flush()
end
