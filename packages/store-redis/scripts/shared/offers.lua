-- Offering entries that were popped from a line to the session that takes: each is handed out, dropped, since it does not match its record any
-- more, or moved to the line where it belongs.

local find, sub = string.find, string.sub

-- Takes entries apart: their ids, and what stands behind each, "" where it is the id alone; and whether all of them are the id alone, in which
-- case that is all that is answered.
local function takeApart(entries)
  local areAlone = true
  for i = 1, #entries do
    if #entries[i] ~= singles.ID_LENGTH then
      areAlone = false
      break
    end
  end
  if areAlone then return entries, nil, true end
  local ids, afters = {}, {}
  for i = 1, #entries do
    local entry = entries[i]
    if #entry == singles.ID_LENGTH then
      ids[i], afters[i] = entry, ""
    else
      local from = find(entry, "|", 1, true)
      local to = find(entry, "|", from + 1, true)
      ids[i], afters[i] = sub(entry, from + 1, to - 1), sub(entry, to)
    end
  end
  return ids, afters, false
end

-- The ids of entries.
function take.idsOf(entries)
  return (takeApart(entries))
end

local function fetch(ids, afters)
  packed.fetchBoth(ids)
  local addresses
  for i = 1, afters and #ids or 0 do
    if find(afters[i], "%[%d") then
      addresses = addresses or {}
      addresses[i] = sub(afters[i], 2)
    end
  end
  if addresses then members.fetch(ids, addresses) end
end

-- Reads all that some entries are about.
function take.fetch(entries)
  local ids, afters = takeApart(entries)
  fetch(ids, afters)
end

-- Offers entries of a line. Those that say alike of packed runs, of which there may be many, are taken apart together.
function take.offerAll(line, entries, areFetched)
  local ids, afters, areAlone = takeApart(entries)
  if not areFetched then fetch(ids, afters) end
  local others = entries
  if areAlone and line.queue ~= "" then
    local before = #singles.granted
    others = singles.take(take.session, ids, line)
    take.slots = take.slots - (#singles.granted - before) / 2
  end
  if #others == 0 then return end
  local who, queue, takePacked = take.session, line.queue, packed.take
  for i = 1, #others do
    -- Most are had in this way, and what is not is looked at as any other.
    local isTaken = afters and afters[i] ~= "" and queue ~= ""
      and (find(afters[i], "%[%d") and members.take(line, others[i], ids[i], afters[i]) or takePacked(who, queue, ids[i], afters[i]))
    if not isTaken and not take.offer(line, others[i]) then take.drops = take.drops + 1 end
  end
end

-- rarely: one by one

-- What popping a step means for it: cancelling a run or stopping it reaches a ready step only now.
local function fateOf(step)
  local run = step.run
  if step.phase == ADVANCE then return run.cancelling and "stays" or nil end
  if run.cancelling then return "cancelled" end
  if ready.isStopped(step) then return "stopped" end
  return ready.hasExpired(step) and "expired" or nil
end

-- An entry that is the id alone, taken apart. It counts as long as the single's step was never taken, and stands in the line's queue: the id
-- may be another run's by now.
local function readSingle(line, id)
  local run = packed.get(id)
  if run then
    local address, seq = packed.firstReady(run)
    local step = address and kinds.stepOf(kinds.get(run.kind), address)
    if step and step.queue == line.queue then
      return seq, id .. "|" .. address, id, address
    end
    return "0", "", id, ""
  end
  run = runs.getForGrant(id, "")
  local step = run and runs.soleStep(run)
  if not step or step.fence ~= "0" or step.spec.queue ~= line.queue then return "0", "", id, "" end
  return step.seq, id .. "|" .. step.address, id, step.address
end

-- The number of an entry, what stands for its step, the run's id and the step's address.
local function readEntry(line, entry)
  if #entry == singles.ID_LENGTH then return readSingle(line, entry) end
  return string.match(entry, "^(-?%d+)|(([^|]*)|(.*))$")
end

take.readEntry = readEntry

-- A run that is not packed, or no longer.
local function offerStep(line, seq, id, address)
  local run = runs.getForGrant(id, address)
  local step = run and steps.get(run, address)
  if not step or step.seq ~= seq or run.ended then return false end
  local fate = fateOf(step)
  if fate then
    if fate == "expired" then ready.expire(step) elseif fate ~= "stays" then settle.step(step, CANCELLED, fate) end
    take.hasSettled = true
    return false
  end
  local needs = steps.needsOf(step)
  if limits.isOn and step.phase == RUN then
    local tuple = limits.tupleOf(needs, line.queue, step.uses)
    if not tuple then
      -- Limits of its task have come since it was put here: a worker has to say its keys.
      ready.enqueue(step)
      take.hasSettled = true
      return false
    elseif tuple ~= (line.tuple or "") then
      -- Once only, as for those whom only capable sessions pop.
      take.moved = take.moved + 1
      ledger.push(line.queue, line.priority, tuple == "" and "" or needs, seq, id, address, tuple)
      return false
    end
    if line.tuple then step.uses = limits.takenUnder(step.uses, line.tuple) end
  end
  if not take.session.serves[needs] then
    ledger.push(line.queue, line.priority, needs, seq, id, address)
    return false
  end
  take.grant(step)
  return true
end

-- An entry that is the id alone; false where it is no single that waits there.
local function offerSingle(line, id)
  local isHandled, isTaken = singles.takeOne(take.session, id, line)
  if isTaken then take.slots = take.slots - 1 end
  if isHandled then return true end
  local lack = singles.lackOf(take.session, id, line)
  if not lack then return false end
  ledger.pushEntry(line.queue, line.priority, lack, id)
  take.drops = take.drops + 1
  return true
end

local function offerAny(line, entry)
  local seq, _, id, address = readEntry(line, entry)
  return offerStep(line, seq, id, address)
end

-- False when an entry is dropped or moved.
function take.offer(line, entry)
  if line.queue == "" then return offerAny(line, entry) end
  if #entry == singles.ID_LENGTH then return offerSingle(line, entry) or offerAny(line, entry) end
  local id, after = string.match(entry, "^-?%d+|([^|]*)(|.*)$")
  if find(after, "%[%d") and members.take(line, entry, id, after) then return true end
  local isTaken, needs = packed.take(take.session, line.queue, id, after)
  if needs then ledger.pushEntry(line.queue, line.priority, needs, entry) end
  if isTaken or needs then return isTaken end
  return offerAny(line, entry)
end
