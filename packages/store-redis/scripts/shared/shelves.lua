-- Shelves, from which retention takes runs: `ended:<outcome>` are lists of `ms|id`, oldest first, for time never goes back; `purging`
-- lists what goes next.

local shelved = {}

function shelves.add(shelf, entry)
  local list = shelved[shelf]
  if not list then
    list = {}
    shelved[shelf] = list
  end
  list[#list + 1] = entry
end

function shelves.flush()
  for shelf, list in pairs(shelved) do callMany("RPUSH", PREFIX .. shelf, list) end
end
