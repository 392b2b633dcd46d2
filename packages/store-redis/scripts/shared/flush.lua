-- Writes all that a script has changed in memory; the last act of every script that changes something.

local function flushAll(eventsKept)
  singles.flush()
  if general.isMade then runs.flush() end
  packed.flush()
  lease.flush()
  shelves.flush()
  ledger.flush()
  events.flush(tonumber(eventsKept))
  clock.flush()
end
