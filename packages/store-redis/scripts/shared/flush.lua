-- Writes all that a script has changed in memory; the last act of every script that changes something.

local function flushAll(eventsKept)
  if packed.isMade ~= false then
    packed.flush()
    singles.flush()
  end
  -- Before a single that is unpacked gives its slots its new name.
  if limits.isOn then limits.settle() end
  if general.isMade then runs.flush() end
  if packed.isMade ~= false then
    lease.flush()
    shelves.flush()
  end
  if limits.isOn then limits.flush() end
  ledger.flush()
  events.flush(tonumber(eventsKept))
  clock.flush()
end
