-- Packed runs: a run whose steps so far were all taken once and succeeded has a field of the hash `packed` and, once a step of it was
-- taken, one of the hash `progress`, so that many runs are read in one command and written in one. Whatever happens otherwise (a retry, a
-- loss, a cancel, a map, a large value) unpacks it, for good, into a hash of its own: see unpack.lua. Besides this file packed-view.lua and
-- singles.lua know this form, and in TypeScript src/packed.ts.
--
--   packed    p<kind><seq>,<birth> RS input: what never changes
--   kind      its name, eight characters: see kinds.lua
--   seq       the number of the first entry of the steps that it begins with; those of others follow
--   birth     created,number,fingerprint [US traceparent US tags]
--
--   progress  standing [RS address US worker,ready,started,ended,seq US output] ..: what is done, in this order; seq is the number of the first
--             entry of the steps that it made ready, if any, and those of others follow
--   standing  state kind settled,started,ended live: the state is r (running) or s (succeeded)
--   live      GS, and of each step that is at hand `r<address>,<n>:<i>,<ready> GS` (ready: made so by the n-th that was done, 0 for
--             the submission, as the i-th after its first), `x<address>,<session>,<worker>,<ready>,<started>
--             GS` (running) or `b<address>,<parents that succeeded> GS` (blocked)
--             What is handed straight on was never ready: then `ready` is `-`, here as in what is done.
--
-- Instants are milliseconds by the store's clock, those of steps counted from the start of the run; a ready one that is empty is the instant
-- of the submission.
--
-- What becomes of a standing (see standings.lua) is worked out once, and then holds for all runs that stand alike: of each run only its outputs are
-- copied. These loops are what Redis spends most of its time in, and what Lua spends it on is making strings (it hashes each character of each) and
-- calling functions: hence tables that are looked up once, and records that are short.

packed.key, packed.progressKey = PREFIX .. "packed", PREFIX .. "progress"
-- By id: records as they were read, views of them (see packed-view.lua) once somebody asked for one, false where a run is not packed.
packed.known = {}
-- How far runs are, as it was read or, of singles, is to be written; false where nothing was taken yet.
packed.progress = {}
-- The first letter of such a record, p, as a number.
packed.LETTER = 112

local known, progress = packed.known, packed.progress

-- New records, and progress that has changed: ids and texts by turns.
local created, createdIds, writes = {}, {}, {}
-- How many steps of each run have succeeded, times 1,000, and how many were handed straight on; below zero where the run has ended. And
-- these runs, each once.
local tallies, tallied = {}, {}
packed.tallies = tallies

-- The ids that were read together last.
local lot = NONE

-- Reads the records of runs, all in one look.
function packed.fetch(ids)
  fetchInto(known, packed.key, ids)
end

-- Reads how far runs are.
function packed.fetchProgress(ids)
  fetchInto(progress, packed.progressKey, ids)
end

-- Reads all there is of runs.
function packed.fetchWhole(ids)
  packed.fetch(ids)
  packed.fetchProgress(ids)
end

-- Each of some ids once.
local function once(ids)
  local list, seen = {}, {}
  for i = 1, #ids do
    if not seen[ids[i]] then
      list[#list + 1], seen[ids[i]] = ids[i], true
    end
  end
  return list
end

-- Reads how far runs are, and the records of those of which nothing was taken yet.
function packed.fetchBoth(ids)
  local first = ids[1]
  -- Those of a map are of one run.
  if #ids > 1 and first == ids[2] and first == ids[#ids] then ids = once(ids) end
  packed.fetchProgress(ids)
  local others, n = {}, 0
  for i = 1, #ids do
    local id = ids[i]
    if not progress[id] then
      n = n + 1
      others[n] = id
    end
  end
  packed.fetch(others)
  lot = ids
end

-- A new run, of one step or of several.
function packed.add(id, record)
  local n = #created
  created[n + 1], created[n + 2] = id, record
  createdIds[#createdIds + 1] = id
  known[id], progress[id] = record, false
end

-- Writes what has changed, before anybody who unpacks one removes it.
function packed.flush()
  callMany("HSET", packed.key, created)
  callMany("HSET", packed.progressKey, writes)
  if #createdIds > 0 then events.addGroup("C", createdIds) end
  if #tallied > 0 then packed.tellAll() end
  kinds.flush()
end

-- rarely: of runs of several steps

local find, sub = string.find, string.sub

-- A run with more outputs than this is unpacked when the next comes.
local LARGEST = 8192

-- What the session of an exchange held, and what it holds now.
local dropped, taken

-- The record of a run that is packed. Who asks for one will ask for those of the others as well that it was read with.
local function recordOf(id)
  local record = known[id]
  if record == nil then
    packed.fetch(lot)
    record = known[id]
    if record == nil then
      packed.fetch({ id })
      record = known[id]
    end
  end
  return record
end

-- How a run stands, and what follows that in its progress; false where it is not packed like this, or has a view.
local function stand(id)
  local text = progress[id]
  if not text then
    if text == nil then
      packed.fetchProgress({ id })
      return stand(id)
    end
    return standings.beginning(recordOf(id)), ""
  end
  local from = find(text, RS, 1, true)
  if not from then return standings.read(text), "" end
  return standings.read(sub(text, 1, from - 1)), sub(text, from)
end
packed.stand = stand

local written = 0

local function write(id, text)
  local n = written + 2
  written, progress[id], writes[n - 1], writes[n] = n, text, id, text
end

-- The run's input, or a step's output in its progress; nil where there is none. How they are looked for says kinds.stepOf.
function packed.valueOf(id, needle, outputs)
  if needle == ":input" then
    local record = recordOf(id)
    return sub(record, find(record, RS, 1, true) + 1)
  end
  local _, to = find(outputs, needle, 1, true)
  if not to then return nil end
  local from = find(outputs, US, to + 1, true)
  return sub(outputs, from + 1, (find(outputs, RS, from + 1, true) or 0) - 1)
end

-- A run's traceparent and tags, joined by US.
function packed.extrasOf(id)
  local record = recordOf(id)
  return sub(record, find(record, US, 1, true) + 1, find(record, RS, 1, true) - 1)
end

-- What every taking writes and tells; `member` is what stands for it in `held:<session>`.
local function hold(who, kind, step, id, member, outputs)
  taken = taken or lease.takenBy(who.id)
  taken[#taken + 1] = member
  step.running = step.running + 1
  take.addPacked(id, kind, step, member, outputs)
end

-- Takes the ready step behind an entry of a queue's line for a session, which ends with the run's id and `after`; false where it is not to be
-- had in this way, and what it needs as well where the session lacks just that. A step of a packed run becomes ready once, so there is no
-- other entry than the one with its number, unless the id was another run's before: that may well serve in its place.
function packed.take(who, queue, id, after)
  local standing, outputs = stand(id)
  if not standing then return false end
  local taking = standings.taking(who, standing, after)
  if not taking or taking.queue ~= queue then return false end
  if taking.lacks then return false, taking.lacks end
  write(id, taking.text .. outputs)
  hold(who, standing.kind, taking.step, id, id .. taking.member, outputs)
  return true
end

local function count(id, tally, isLast)
  local before = tallies[id]
  if not before then tallied[#tallied + 1] = id end
  tally = tally + (before or 0)
  tallies[id] = isLast and -tally or tally
end

-- A step's success; `told` is what successes.lua has read of it. False where this is no case for packed runs: then nothing was changed.
function packed.succeed(who, id, told, output)
  local standing, outputs = stand(id)
  local success = standing and #outputs <= LARGEST and standings.success(who, standing, told)
  if not success then return false end
  local readied, started, seq = success.readied, success.started, ""
  for i = 1, #readied do
    local number = clock.nextSeq()
    ledger.pushTo(readied[i].line, number .. "|" .. id .. readied[i].after)
    if i == 1 then seq = number end
  end
  local text = success.text .. outputs .. success.done .. seq .. US .. output
  write(id, text)
  count(id, success.tally, success.isLast)
  local member = id .. success.member
  if clock.isCapped then
    lease.drop(who.id, member)
  else
    dropped = dropped or lease.droppedBy(who.id)
    dropped[#dropped + 1] = member
  end
  success.step.running = success.step.running - 1
  for i = 1, #started do hold(who, standing.kind, started[i].step, id, id .. started[i].member, text) end
  if success.isLast then shelves.add("ended:s", clock.stamp .. id) end
  return true
end

-- What happened to as many runs alike, in one event.
function packed.tellAll()
  local alike = {}
  for i = 1, #tallied do
    local id = tallied[i]
    local tally = tallies[id]
    if tally then
      local ids = alike[tally]
      if not ids then
        ids = {}
        alike[tally] = ids
      end
      ids[#ids + 1] = id
    end
  end
  for tally, ids in pairs(alike) do
    local steps = packed.tallyText(math.abs(tally))
    if tally < 0 then events.addGroup("F", ids, "s " .. steps) else events.addGroup("S", ids, steps) end
  end
end

-- A tally as events tell it.
function packed.tallyText(tally)
  return "s" .. math.floor(tally / 1000) .. (tally % 1000 > 0 and " x" .. tally % 1000 or "")
end
