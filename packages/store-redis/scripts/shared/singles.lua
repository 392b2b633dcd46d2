-- Singles: packed runs of one step, which most runs are, in a form that is handled without being taken apart. Whatever else happens to
-- one than that it is taken and succeeds, other fragments do, to which singles.parse shows it as any packed run.
--
--   waiting  `q<kind><seq>,<birth> RS input`: kind is its name, eight characters; birth as in packed.lua
--   running  `w<session>,<worker>,<started>;`, then as it was from the kind on
--   done     `d<ended>,<worker>,<started>;`, and so on, and at the end RS output
--
-- Their entries in lines, and their fields in `held:<session>`, are the id alone, a ULID of 26 characters.

singles.ID_LENGTH = 26

-- What a session is granted: ids and records as they waited, by turns; and the kinds of these.
singles.granted, singles.heads = {}, {}

local byte, find, sub, match = string.byte, string.find, string.sub, string.match
local WAITING_BYTE, RUNNING_BYTE = 113, 119

local writes, created, ended = {}, {}, {}

-- A single as any packed run.
function singles.parse(id, record)
  local letter = sub(record, 1, 1)
  local first, second, third = "", "", ""
  local tail = sub(record, 2)
  if letter ~= "q" then first, second, third, tail = match(tail, "^([^,]*),([^,]*),(%d+);(.*)$") end
  local kind, seq, rest = match(tail or "", "^(........)(%d+),(.*)$")
  if not kind then return false end
  local address = (kinds.get(kind) or NONE).entry
  if not address then return false end
  local run = { id = id, state = "r", settled = 0, started = third, ended = "", live = GS, kind = kind, rest = rest, isSingle = true,
    heldBy = letter == "w" and first }
  if letter == "q" then
    run.live = GS .. "r" .. address .. "," .. seq .. "," .. GS
  elseif letter == "w" then
    run.live = GS .. "x" .. address .. "," .. first .. "," .. second .. ",," .. third .. GS
  else
    local before, output = match(rest, "^([^\30]*\30[^\30]*)\30(.*)$")
    run.state, run.settled, run.ended = "s", 1, first
    run.rest = before .. RS .. address .. US .. second .. ",," .. third .. "," .. first .. US .. output
  end
  return run
end

-- Writes a run that was submitted; its step stands in its line.
function singles.add(id, kind, step, number, tail)
  local seq = clock.nextSeq()
  local record = "q" .. kind.id .. seq .. "," .. clock.text .. "," .. number .. "," .. tail
  local n = #writes
  writes[n + 1], writes[n + 2] = id, record
  packed.known[id] = record
  created[#created + 1] = id
  ledger.pushEntry(step.queue, step.priority, "", id)
end

-- What is told once of each kind that was granted.
function singles.headTexts()
  local texts = {}
  for i, kind in ipairs(singles.heads) do texts[i] = kind.id .. (kind.extras and "1" or "0") .. kinds.headOf(kind, kind.entry) end
  return texts
end

-- Takes those of some ids from the lines of a queue, all of which were fetched, that wait there as singles; answers the others.
function singles.take(who, ids, queue)
  local others, n, m = NONE, #writes, #singles.granted
  local granted, known, opening = singles.granted, packed.known, "w" .. sub(who.mark, 2) .. clock.text .. ";"
  for i = 1, #ids do
    local id = ids[i]
    local record = known[id]
    -- One that was taken apart, because something was reported of it, goes the way of all others.
    local kind = type(record) == "string" and byte(record) == WAITING_BYTE and kinds.get(sub(record, 2, 9))
    local step = kind and kinds.stepOf(kind, kind.entry)
    if step and step.queue == queue and who.serves[step.needs] then
      writes[n + 1], writes[n + 2] = id, opening .. sub(record, 2)
      known[id] = writes[n + 2]
      granted[m + 1], granted[m + 2] = id, record
      n, m = n + 2, m + 2
      lease.note(who.id, id, kind.entry)
      if not kind.delta then singles.heads[#singles.heads + 1] = kind end
      kind.delta = (kind.delta or 0) + 1
    else
      if others == NONE then others = {} end
      others[#others + 1] = id
    end
  end
  return others
end

-- The success of a single that a session holds; false where it is none. Its record was fetched.
function singles.succeed(who, id, address, output)
  local record = packed.known[id]
  if not record or type(record) ~= "string" or byte(record) ~= RUNNING_BYTE then return false end
  local mine = who.mine
  if not mine then
    mine = "w" .. who.id .. ","
    who.mine = mine
  end
  local _, stop = find(record, mine, 1, true)
  if stop ~= #mine then return false end
  local semicolon = find(record, ";", stop + 1, true)
  local kind = kinds.get(sub(record, semicolon + 1, semicolon + 8))
  if not kind or kind.entry ~= address then return false end
  kind.over = (kind.over or 0) + 1
  record = "d" .. clock.text .. "," .. sub(record, stop + 1) .. RS .. output
  local n = #writes
  writes[n + 1], writes[n + 2] = id, record
  packed.known[id] = record
  ended[#ended + 1] = id
  lease.drop(who.id, id)
  shelves.add("ended:s", clock.stamp .. id)
  return true
end

-- Writes what has changed, before anybody who unpacks one removes it.
function singles.flush()
  callMany("HSET", packed.key, writes)
  events.addGroup("C", created)
  events.addGroup("E", ended)
  for _, kind in pairs(kinds.known) do
    local delta = kind and (kind.delta or 0) - (kind.over or 0) or 0
    if delta ~= 0 then ledger.running(kinds.stepOf(kind, kind.entry).queue, delta) end
  end
end
