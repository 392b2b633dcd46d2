-- Writes all that a script has changed in memory; the last act of every script that changes something. What was never made has
-- changed nothing.

local function flushAll(eventsKept)
  if isMade(packed) then packed.flush() end
  if isMade(singles) then singles.flush() end
  -- Before a single that is unpacked gives its slots its new name.
  if limits.isOn then limits.settle() end
  if isMade(runs) then runs.flush() end
  if isMade(lease) then lease.flush() end
  if isMade(shelves) then shelves.flush() end
  if limits.isOn then limits.flush() end
  if isMade(ledger) then ledger.flush() end
  if isMade(events) then events.flush(tonumber(eventsKept)) end
  clock.flush()
end
