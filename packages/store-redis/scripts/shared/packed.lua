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
-- A standing says nothing of the run itself. Runs that one exchange made ready, or took, stand alike, so what becomes of a standing is worked
-- out once, and then holds for all of them: of each run only its outputs are copied.
--
-- These loops are what Redis spends most of its time in, and what Lua spends it on is making strings (it hashes each character of each) and
-- calling functions: hence tables that are looked up once, and records that are short.

packed.key, packed.progressKey = PREFIX .. "packed", PREFIX .. "progress"
-- By id: records as they were read, views of them (see packed-view.lua) once somebody asked for one, false where a run is not packed.
packed.known = {}
-- How far runs are, as it was read or, of singles, is to be written; false where nothing was taken yet.
packed.progress = {}
-- The first letter of such a record, p, as a number.
packed.LETTER = 112

local LETTER = packed.LETTER
local byte, find, sub, match = string.byte, string.find, string.sub, string.match
local known, progress = packed.known, packed.progress
local STANDING = "^([rs])(........)(%d+),(%d*),(%d*)(\29.*)$"

-- A run with more outputs than this is unpacked when the next comes.
local LARGEST = 8192
-- The most steps that one success may make ready in it.
local MOST_NEXT = 100

-- New records, and progress that has changed: ids and texts by turns.
local created, createdIds, writes = {}, {}, {}
-- How many steps of each run have succeeded, times 1,000, and how many were handed straight on; below zero where the run has ended. And
-- these runs, each once.
local tallies, tallied = {}, {}
packed.tallies = tallies
-- What the session of an exchange held, and what it holds now.
local dropped, taken

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

-- Reads how far runs are, and the records of those of which nothing was taken yet.
function packed.fetchBoth(ids)
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

local standings = {}

-- A standing from its text; those that are alike are the same. False where it cannot be read.
local function standingOf(text)
  local state, name, settled, started, ended, live = match(text, STANDING)
  local kind = state and kinds.get(name)
  local standing = kind and { text = text, state = state, kind = kind, settled = settled + 0, started = started, ended = ended,
    live = live, takes = {}, ends = {}, endsFull = {} } or false
  standings[text] = standing
  return standing
end

local function toStanding(kind, state, settled, started, ended, live)
  local text = state .. kind.id .. settled .. "," .. started .. "," .. ended .. live
  return standings[text] or standingOf(text)
end

local beginnings = {}

-- How a run begins: the steps that it begins with are ready. False for a record of another kind.
local function beginningOf(record)
  if type(record) ~= "string" or byte(record) ~= LETTER then return false end
  local name = sub(record, 2, 9)
  local standing = beginnings[name]
  if standing == nil then
    local kind, live = kinds.get(name), GS
    for i, address in ipairs(kind and kind.entries or NONE) do live = live .. "r" .. address .. ",0:" .. i - 1 .. "," .. GS end
    standing = live ~= GS and toStanding(kind, "r", 0, "", "", live)
    beginnings[name] = standing
  end
  return standing
end

-- How a run stands, and what follows that in its progress; false where it is not packed like this, or has a view.
local function stand(id)
  local text = progress[id]
  if not text then
    if text == nil then
      packed.fetchProgress({ id })
      return stand(id)
    end
    return beginningOf(recordOf(id)), ""
  end
  local from = find(text, RS, 1, true)
  if not from then return standings[text] or standingOf(text), "" end
  local head = sub(text, 1, from - 1)
  return standings[head] or standingOf(head), sub(text, from)
end
packed.stand = stand

local written = 0

local function write(id, text)
  local n = written + 2
  written, progress[id], writes[n - 1], writes[n] = n, text, id, text
end

-- A new run, of one step or of several.
function packed.add(id, record)
  local n = #created
  created[n + 1], created[n + 2] = id, record
  createdIds[#createdIds + 1] = id
  known[id], progress[id] = record, false
end

local counted = {}

-- A step of a kind, of which more or fewer run after this.
local function stepOf(kind, address)
  local step = kinds.stepOf(kind, address)
  if step and not step.running then
    step.running = 0
    counted[#counted + 1] = step
  end
  return step
end

-- The run's input, or a step's output among others; nil where there is none. Keys are as in the texts of kinds.stepOf.
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

-- What becomes of a standing when a step is taken: how it stands then, or what the session lacks. False where this is no case for packed
-- runs.
local function takingOf(who, standing, address)
  local kind, live = standing.kind, standing.live
  local from, to = find(live, GS .. "r" .. address .. ",", 1, true)
  local step = from and stepOf(kind, address)
  if not step then return false end
  if kind.says or limits.isOn and limits.mayLimit(step.needs, step.queue) then return false end
  local ready = match(live, "^%d+:%d+,(%d*)", to + 1)
  local taking = { queue = step.queue, step = step, member = "|" .. address .. "|1" }
  if not who.serves[step.needs] then
    taking.lacks = step.needs
    return taking
  end
  local started = standing.started == "" and clock.text or standing.started
  live = sub(live, 1, from) .. "x" .. address .. who.mark .. ready .. "," .. clock.now - started .. sub(live, (find(live, GS, to + 1, true)))
  taking.text = toStanding(kind, standing.state, standing.settled, started, standing.ended, live).text
  return taking
end

-- Takes the ready step behind an entry of a queue's line for a session, which ends with the run's id and `after`; false where it is not to be
-- had in this way, and what it needs as well where the session lacks just that. A step of a packed run becomes ready once, so there is no
-- other entry than the one with its number, unless the id was another run's before: that may well serve in its place.
function packed.take(who, queue, id, after)
  local standing, outputs = stand(id)
  if not standing then return false end
  local taking = standing.takes[after]
  if taking == nil then
    taking = takingOf(who, standing, sub(after, 2))
    standing.takes[after] = taking
  end
  if not taking or taking.queue ~= queue then return false end
  if taking.lacks then return false, taking.lacks end
  write(id, taking.text .. outputs)
  hold(who, standing.kind, taking.step, id, id .. taking.member, outputs)
  return true
end

-- True where the steps that follow are plain ones that a success makes ready; asked once of each step and plan.
local function arePlain(kind, list)
  -- A standing names all steps that are ready: with many of them each taking would rewrite a long one.
  if #list > MOST_NEXT then return false end
  for i = 1, #list do
    local each = list[i]
    if each.plainIn ~= kind.plan then
      local isPlain = specs.isPlain(each.spec) and not find(each.address, "%[%d") and specs.share(kind.plan, each.address, each.text)
      if not isPlain then return false end
      each.plainIn = kind.plan
    end
  end
  return true
end

-- Tells a step that one of its parents has succeeded; answers what is at hand then.
local function mark(success, who, kind, live, address, hop, age)
  local step = stepOf(kind, address)
  if step.parents > 1 then
    local from, to = find(live, GS .. "b" .. address .. ",", 1, true)
    local stop = from and find(live, GS, to + 1, true)
    local n = from and sub(live, to + 1, stop - 1) + 1 or 1
    if from then live = sub(live, 1, from) .. sub(live, stop + 1) end
    if n < step.parents then return live .. "b" .. address .. "," .. n .. GS end
  end
  if step.inline and not hop and success.slots > 0 and take.inlines(step.needs, step.queue) then
    success.slots, success.tally = success.slots - 1, success.tally + 1
    success.started[#success.started + 1] = { step = step, member = "|" .. address .. "|1" }
    return live .. "x" .. address .. who.mark .. "-," .. age .. GS
  end
  local i = #success.readied
  success.readied[i + 1] = { line = ledger.lineOf(step.queue, step.priority, ""), after = "|" .. address }
  return live .. "r" .. address .. "," .. success.settled .. ":" .. i .. "," .. age .. GS
end

-- What becomes of a standing when a step succeeds, told by the session that holds it, and the steps that follow. False where this is no
-- case for packed runs.
local function successOf(who, standing, address, list)
  local kind, live = standing.kind, standing.live
  local from, to = find(live, GS .. "x" .. address .. "," .. who.id .. ",", 1, true)
  local step = from and stepOf(kind, address)
  if not step or not arePlain(kind, list) then return false end
  local stop, age = find(live, GS, to + 1, true), text(clock.now - standing.started)
  local success = { step = step, member = "|" .. address .. "|1", slots = take.slots, tally = 1000, started = {}, readied = {},
    settled = standing.settled + 1, done = RS .. address .. US .. sub(live, to + 1, stop - 1) .. "," .. age .. "," }
  live = sub(live, 1, from - 1) .. sub(live, stop)
  for i = 1, #list do live = mark(success, who, kind, live, list[i].address, list.hop, age) end
  success.isLast = success.settled == kind.members
  success.text = toStanding(kind, success.isLast and "s" or "r", success.settled, standing.started, success.isLast and clock.text or standing.ended, live).text
  return success
end

-- The same, remembered by what was told of the step: apart where there are slots for all that might be handed straight on, and where
-- there are none.
local function successAs(who, standing, told)
  local mayInline = take.inline and take.slots > 0
  if mayInline and take.slots < #told.list then return successOf(who, standing, told.address, told.list) end
  local ends = mayInline and standing.ends or standing.endsFull
  local success = ends[told]
  if success == nil then
    success = successOf(who, standing, told.address, told.list)
    ends[told] = success
  end
  return success
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
  local success = standing and #outputs <= LARGEST and successAs(who, standing, told)
  if not success then return false end
  local readied, started, seq = success.readied, success.started, ""
  for i = 1, #readied do
    local number = clock.nextSeq()
    ledger.pushTo(readied[i].line, number .. "|" .. id .. readied[i].after)
    if i == 1 then seq = number end
  end
  outputs = outputs .. success.done .. seq .. US .. output
  write(id, success.text .. outputs)
  count(id, success.tally, success.isLast)
  local member = id .. success.member
  if clock.isCapped then
    lease.drop(who.id, member)
  else
    dropped = dropped or lease.droppedBy(who.id)
    dropped[#dropped + 1] = member
  end
  success.step.running = success.step.running - 1
  for i = 1, #started do hold(who, standing.kind, started[i].step, id, id .. started[i].member, outputs) end
  if success.isLast then shelves.add("ended:s", clock.stamp .. id) end
  return true
end

-- What happened to as many runs alike, in one event.
local function tellAll()
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

-- Writes what has changed, before anybody who unpacks one removes it.
function packed.flush()
  callMany("HSET", packed.key, created)
  callMany("HSET", packed.progressKey, writes)
  events.addGroup("C", createdIds)
  tellAll()
  for i = 1, #counted do
    if counted[i].running ~= 0 then ledger.running(counted[i].queue, counted[i].running) end
  end
end
