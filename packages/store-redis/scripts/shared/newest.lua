-- The greatest id that was ever submitted, whatever became of it: the field `newest` of the clock. Ids are ULIDs, and those that one process
-- makes only grow, so that most that come are greater: those nobody has to look for.

-- Of a store that was filled before there was this field it is not known.
local newest = call("HGET", KEYS[1], "newest") or clock.runs > 0 and "\255" or ""
local before = newest

-- Whether an id was never submitted, nor any that is greater. Byte by byte: `<` compares as the server's locale has it.
function submitting.isBeyond(id)
  for i = 1, #id do
    local a, b = string.byte(id, i, i), string.byte(newest, i, i)
    if a ~= b then return not b or a > b end
  end
  return false
end

-- Takes note of an id that somebody submits.
function submitting.noteId(id)
  if submitting.isBeyond(id) then newest = id end
end

function submitting.flushNewest()
  if newest ~= before then call("HSET", KEYS[1], "newest", newest) end
end
