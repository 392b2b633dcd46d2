-- Runs that are certainly new: where the ids of a group ascend, and the first and the last lie where no id was ever submitted (see
-- newest.lua), none of them can be known, and nobody looks for them. Those of them that begin with one step and stand under no limits are
-- created in one go.

-- What is to be written, ids and records by turns: a list for each group; and of how many groups others know.
local groups, shown = {}, 0

local find, sub = string.find, string.sub

-- Whether none of these ids was ever submitted, this script included; all are, from now on.
function submitting.areFresh(ids, isAscending, greatest)
  local areFresh = isAscending and submitting.isNew(ids[1]) and submitting.isNew(ids[#ids])
  submitting.noteIds(ids, greatest)
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
  submitting.flushNewest()
end
