-- Runs that are certainly new. Ids are ULIDs, and those that one process makes only grow: where the ids of a group ascend, and the first
-- is beyond all that were ever submitted, none of them can be known, and nobody looks for them. The field `newest` of the clock is the
-- greatest of all, whatever became of it. Of such runs, those that begin with one step and stand under no limits are created in one go.

-- Of a store that was filled before there was this field it is not known.
local newest = call("HGET", KEYS[1], "newest") or clock.runs > 0 and "\255" or ""
local before = newest

-- What is to be written, ids and records by turns: a list for each group; and of how many groups others know.
local groups, shown = {}, 0

local byte, find, sub = string.byte, string.find, string.sub

-- Byte by byte: `<` compares as the server's locale has it.
local function isAfter(one, other)
  for i = 1, #one do
    local a, b = byte(one, i, i), byte(other, i, i)
    if a ~= b then return not b or a > b end
  end
  return false
end

-- Takes note of an id that somebody submits.
function submitting.noteId(id)
  if isAfter(id, newest) then newest = id end
end

-- Whether none of these ids was ever submitted, this script included; all are, from now on.
function submitting.areFresh(ids, isAscending)
  local areFresh = isAscending and isAfter(ids[1], newest)
  if areFresh then newest = ids[#ids] else for i = 1, #ids do submitting.noteId(ids[i]) end end
  return areFresh
end

-- The two digits that follow hundreds: a number is put together in a quarter of the time that it takes to format it.
local function twoDigits()
  return { "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21",
    "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44",
    "45", "46", "47", "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63", "64", "65", "66", "67",
    "68", "69", "70", "71", "72", "73", "74", "75", "76", "77", "78", "79", "80", "81", "82", "83", "84", "85", "86", "87", "88", "89", "90",
    "91", "92", "93", "94", "95", "96", "97", "98", "99" }
end

-- A number as hundreds, the place of the digits behind them, and where these are looked for: below 100 there are none.
local function split(number, digits)
  local hundreds = math.floor(number / 100)
  if hundreds == 0 then return "", number + 1, NONE end
  return text(hundreds), number % 100 + 1, digits
end

-- Creates runs that begin with this one step; records and entries are as in packed.lua and singles.lua.
function submitting.addFresh(ids, idText, kind, step, tails)
  local n, writes, at = #ids, {}, 1
  local isSingle = kind.entry ~= ""
  local head, between, after = (isSingle and "q" or "p") .. kind.id, "," .. clock.text .. ",", "|" .. step.address
  local entries, digits = isSingle and ids or {}, twoDigits()
  local seqs, seq, ofSeq = split(clock.seq + 1, digits)
  local numbers, number, ofNumber = split(clock.runs, digits)
  for i = 1, n do
    local id, stop = ids[i], find(tails, "\28", at, true)
    writes[2 * i - 1] = id
    writes[2 * i] = head .. seqs .. (ofSeq[seq] or text(seq - 1)) .. between .. numbers .. (ofNumber[number] or text(number - 1)) .. ","
      .. sub(tails, at, stop - 1)
    if not isSingle then entries[i] = seqs .. (ofSeq[seq] or text(seq - 1)) .. "|" .. id .. after end
    at, seq, number = stop + 1, seq + 1, number + 1
    if seq > 100 then seqs, seq, ofSeq = split(clock.seq + i + 1, digits) end
    if number > 100 then numbers, number, ofNumber = split(clock.runs + i, digits) end
  end
  groups[#groups + 1] = writes
  clock.seq = clock.seq + n
  submitting.list(ids, kind.plan)
  ledger.pushAll(step.queue, step.priority, "", entries)
  events.addJoined("C", idText, n)
end

-- Lets those who look for a run see these.
function submitting.showFresh()
  for i = shown + 1, #groups do
    local writes = groups[i]
    for k = 1, #writes, 2 do packed.known[writes[k]] = writes[k + 1] end
  end
  shown = #groups
end

-- Writes them, before anybody who unpacks one removes it.
function submitting.flushFresh()
  for i = 1, #groups do callMany("HSET", PREFIX .. "packed", groups[i]) end
  if newest ~= before then call("HSET", KEYS[1], "newest", newest) end
end
