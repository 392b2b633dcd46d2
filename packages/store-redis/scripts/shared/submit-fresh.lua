-- Runs that are certainly new: where the ids of a group ascend, and the first and the last lie where no id was ever submitted (see
-- newest.lua), none of them can be known, and nobody looks for them. Those of them that begin with one step and stand under no limits are
-- created in one go.

-- What is to be written, ids and records by turns: a list for each group; and of how many groups others know.
local groups, shown = {}, 0

local find, sub = string.find, string.sub

-- Whether none of these ids was ever submitted, this script included; all are, from now on.
function submitting.areFresh(ids, isAscending, greatest)
  local areFresh = isAscending and submitting.isNew(ids[1]) and (#ids == 1 or submitting.isNew(ids[#ids]))
  submitting.noteIds(ids, greatest)
  return areFresh
end

-- Creates runs that begin with this one step; records and entries are as in packed.lua and singles.lua.
function submitting.addFresh(ids, idText, kind, step, tails)
  local n, writes, at = #ids, {}, 1
  local isSingle = kind.entry ~= ""
  local head, between, after = (isSingle and "q" or "p") .. kind.id, "," .. clock.text .. ",", "|" .. step.address
  local entries = isSingle and ids or {}
  local seqText, numberText = clock.writer(), clock.writer()
  for i = 1, n do
    local id, seq, stop = ids[i], seqText(clock.seq + i), find(tails, "\28", at, true)
    writes[2 * i - 1], writes[2 * i] = id, head .. seq .. between .. numberText(clock.runs + i - 1) .. "," .. sub(tails, at, stop - 1)
    if not isSingle then entries[i] = seq .. "|" .. id .. after end
    at = stop + 1
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
end
