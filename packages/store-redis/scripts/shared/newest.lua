-- Which ids nobody ever submitted: all that lie between the fields `newest` and `ahead` of the clock, which say so whatever became of a
-- submission. Ids are ULIDs, and those that one process makes only grow, so that most that come lie there: those nobody has to look for.
-- An id that is made up, and so may lie centuries off, is the least of its kind in `ahead`; all others that come are not beyond `newest`.

-- How far off an id may lie and still count as one of the others.
local AHEAD_MS = 31536000000
local DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

local newest, ahead = clock.newest, clock.ahead
-- Submissions, of which there are many, have the clock read them along.
if newest == nil then newest, ahead = unpack(call("HMGET", KEYS[1], "newest", "ahead")) end
-- Of a store that was filled before there were these fields nothing is known.
newest, ahead = newest or clock.runs > 0 and "\255" or "", ahead or "\255"
local before, aheadBefore = newest, ahead
local horizon

-- Byte by byte: `<` compares as the server's locale has it. Ids of one second begin alike.
local function isAfter(one, other)
  for i = string.sub(one, 1, 8) == string.sub(other, 1, 8) and 9 or 1, #one do
    local a, b = string.byte(one, i, i), string.byte(other, i, i)
    if a ~= b then return not b or a > b end
  end
  return false
end

-- The first characters of ids of that time, which say it to twelve days.
local function horizonText()
  local high, chars = math.floor((clock.now + AHEAD_MS) / 2 ^ 30), ""
  for _ = 1, 4 do
    chars = string.sub(DIGITS, high % 32 + 1, high % 32 + 1) .. chars
    high = math.floor(high / 32)
  end
  return chars
end

-- What begins like `newest` is no farther off than that was.
local function isFarOff(id)
  if string.sub(id, 1, 4) == string.sub(newest, 1, 4) then return false end
  horizon = horizon or horizonText()
  return isAfter(id, horizon)
end

-- Whether an id was certainly never submitted; of two of which that is true it is true of all between them.
function submitting.isNew(id)
  return isAfter(id, newest) and isAfter(ahead, id)
end

local function note(id)
  if isFarOff(id) then
    if isAfter(ahead, id) then ahead = id end
  elseif isAfter(id, newest) then
    newest = id
  end
end

-- Takes note of ids that somebody submits, of which that is the greatest.
function submitting.noteIds(ids, greatest)
  if not isFarOff(greatest) then return note(greatest) end
  for i = 1, #ids do note(ids[i]) end
end

function submitting.flushNewest()
  if newest ~= before then call("HSET", KEYS[1], "newest", newest) end
  if ahead ~= aheadBefore then call("HSET", KEYS[1], "ahead", ahead) end
end
