-- Writes all that a script has changed in memory; the last act of every script that changes something.

local function flushAll(eventsKept)
  packed.flush()
  singles.flush()
  -- Before a single that is unpacked gives its slots its new name.
  if limits.isOn then limits.settle() end
  if general.isMade then runs.flush() end
  lease.flush()
  shelves.flush()
  if limits.isOn then limits.flush() end
  ledger.flush()
  events.flush(tonumber(eventsKept))
  clock.flush()
end
