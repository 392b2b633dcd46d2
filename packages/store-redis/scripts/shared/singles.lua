-- Singles: packed runs of one step, which most runs are, in a form that is handled without being taken apart. Whatever else happens to
-- one than that it is taken and succeeds, other fragments do, to which singles.parse shows it as any packed run.
--
-- Its record in `packed` is `q<kind><seq>,<birth> RS input`, as in packed.lua. How far it is stands in `progress`: nothing while it waits, then
-- `w<kind><session>,<worker>,<started>`, at the end `d<kind><ended>,<worker>,<started> RS output`. One that was taken under limits has its tuple
-- behind `w… RS` (see limits.lua), and what its code has said of them stands in its birth behind the tags. Those that one exchange takes have the
-- same text there.
--
-- Its entry in a line, and its member of `held:<session>`, are the id alone, a ULID of 26 characters.

singles.ID_LENGTH = 26

-- What a session is granted: ids and records by turns; and the kinds of these.
singles.granted, singles.heads = {}, {}

local byte, find, sub, match = string.byte, string.find, string.sub, string.match
-- The first letter of the progress of one that runs.
local TAKEN = string.byte("w")
-- The first letter of such a record, q, as a number.
local LETTER = 113
singles.LETTER = LETTER

local writes, ended = {}, {}
local granted, progress, known = singles.granted, packed.progress, packed.known

-- What its code has said of a single's limits, as its birth has it behind traceparent and tags; nil where it has not.
local function saidIn(birth)
  return match(birth, "^[^\30\31]*\31[^\30\31]*\31[^\30\31]*\31([^\30\31]*)")
end
singles.saidIn = saidIn

-- Writes a run that was submitted; its step stands in its line.
function singles.add(id, kind, step, number, tail)
  local record = "q" .. kind.id .. clock.nextSeq() .. "," .. clock.text .. "," .. number .. "," .. tail
  packed.add(id, record)
  local tuple = limits.isOn and limits.tupleOf(step.needs, step.queue, kind.says and saidIn(tail)) or ""
  ledger.pushEntry(step.queue, step.priority, tuple == "" and "" or step.needs, id, tuple)
end

-- What is told once of each kind that was granted.
function singles.headTexts()
  local texts = {}
  for i, kind in ipairs(singles.heads) do texts[i] = kind.id .. (kind.extras and "1" or "0") .. kinds.headOf(kind, kind.entry) end
  return texts
end

-- A kind that a session serves from a queue, with what progress its steps have that are taken now; false where it does not serve it.
local function opened(who, name, queue)
  local kind = kinds.get(name)
  if not kind then return false end
  local step = kinds.stepOf(kind, kind.entry)
  if not step or step.queue ~= queue then return false end
  if kind.opening == nil then
    kind.step = step
    kind.opening = who.serves[step.needs] and "w" .. name .. sub(who.mark, 2) .. clock.text
    if kind.opening then singles.heads[#singles.heads + 1] = kind end
  end
  return kind.opening and kind
end

-- What only stores with limits need.
if limits.isOn then
  -- The tuple of a single, asked once of each kind of which runs say nothing themselves; nil where its code has yet to say the keys.
  local function tupleOf(kind, record, queue)
    local step = kinds.stepOf(kind, kind.entry)
    if kind.says then return limits.tupleOfSaid(step.needs, queue, saidIn(record)) end
    if kind.tuple == nil then kind.tuple = limits.tupleOf(step.needs, queue) or false end
    return kind.tuple or nil
  end

  -- Whether a single stands under the very limits of its line; if not, under which, where its code has said that.
  local function fits(line, kind, record)
    local tuple = line.tuple
    if tuple and kind.says then
      if not kind.uses then kind.uses = limits.usesIn(kinds.stepOf(kind, kind.entry).needs, line.queue) end
      local mark = limits.markOf(tuple, kind.uses)
      if mark and find(record, mark, 1, true) then return true end
    end
    local its = tupleOf(kind, record, line.queue)
    if its == (tuple or "") then return true end
    return false, its
  end

  -- Takes one of a line, in a store with limits, which was fetched: answers whether it was handled, and whether it was taken. What stands
  -- under other limits by now goes to its own line.
  function singles.takeLimited(who, id, line)
    local record = known[id]
    if type(record) ~= "string" or byte(record) ~= LETTER or progress[id] then return false, false end
    local kind = opened(who, sub(record, 2, 9), line.queue)
    if not kind then return false, false end
    local isFit, tuple = fits(line, kind, record)
    if isFit then
      local begun, n, m = kind.opening, #writes, #granted
      if line.tuple then begun = begun .. RS .. line.tuple end
      writes[n + 1], writes[n + 2] = id, begun
      granted[m + 1], granted[m + 2] = id, record
      progress[id] = begun
      lease.note(who.id, id)
      kind.step.running = kind.step.running + 1
      return true, true
    end
    if not tuple then return false, false end
    ledger.pushEntry(line.queue, line.priority, tuple == "" and "" or kinds.stepOf(kind, kind.entry).needs, id, tuple)
    take.moved, take.drops = take.moved + 1, take.drops + 1
    return true, false
  end

  function singles.takeEachLimited(who, ids, line)
    local others = {}
    for i = 1, #ids do
      if not singles.takeLimited(who, ids[i], line) then others[#others + 1] = ids[i] end
    end
    return others
  end
end

-- Takes those of some ids from a line, which were fetched, that wait there as singles; answers the others.
function singles.take(who, ids, line)
  if limits.isOn then return singles.takeEachLimited(who, ids, line) end
  local granted, known, progress, taken = granted, known, progress, lease.takenBy(who.id)
  local others, n, m, t = NONE, #writes, #granted, #taken
  local name, kind, opening
  for i = 1, #ids do
    local id = ids[i]
    local record = known[id]
    -- One that was taken apart, because something was reported of it, goes the way of all others.
    local isWaiting = type(record) == "string" and byte(record) == LETTER and not progress[id]
    if isWaiting and sub(record, 2, 9) ~= name then
      name = sub(record, 2, 9)
      kind = opened(who, name, line.queue)
      opening = kind and kind.opening
    end
    if isWaiting and kind then
      n, m, t = n + 2, m + 2, t + 1
      writes[n - 1], writes[n], progress[id] = id, opening, opening
      granted[m - 1], granted[m], taken[t] = id, record, id
      kind.step.running = kind.step.running + 1
    else
      if others == NONE then others = {} end
      others[#others + 1] = id
    end
  end
  return others
end

local closings = {}

-- What the progress of a running single becomes when it succeeds: { kind, text before the output }; false where the session does not hold
-- it.
local function closingOf(who, progress)
  local closing = false
  local letter, name, session, times = match(progress, "^(.)(........)([^,]*),(.*)$")
  local kind = letter == "w" and session == who.id and kinds.get(name)
  if kind and kinds.stepOf(kind, kind.entry) then
    kind.step = kinds.stepOf(kind, kind.entry)
    closing = { kind = kind, text = "d" .. name .. clock.text .. "," .. times .. RS }
  end
  closings[progress] = closing
  return closing
end

-- The success of a single that a session holds; false where it is none. Its progress was fetched.
function singles.succeed(who, id, address, output)
  local progress = progress[id]
  -- What was taken apart meanwhile goes on that way.
  if not progress or byte(progress) ~= TAKEN or type(known[id]) == "table" then return false end
  -- The tuple behind it is the run's own; what is before that, those that were taken together have alike.
  local from = limits.isOn and find(progress, RS, 1, true)
  local tuple = from and sub(progress, from + 1)
  if from then progress = sub(progress, 1, from - 1) end
  local closing = closings[progress]
  if closing == nil then closing = closingOf(who, progress) end
  if not closing or closing.kind.entry ~= address then return false end
  local kind, over, n = closing.kind, closing.text .. output, #writes
  writes[n + 1], writes[n + 2] = id, over
  packed.progress[id] = over
  ended[#ended + 1] = id
  lease.drop(who.id, id)
  if tuple then limits.free(tuple, id) end
  shelves.add("ended:s", clock.stamp .. id)
  kind.step.running = kind.step.running - 1
  return true
end

-- Writes what has changed, before anybody who unpacks one removes it.
function singles.flush()
  callMany("HSET", packed.progressKey, writes)
  if #ended > 0 then events.addGroup("E", ended) end
end

-- rarely: beside other runs, or what is no longer a plain single

-- A single as any packed run.
function singles.parse(id, record)
  if progress[id] == nil then packed.fetchProgress({ id }) end
  local progress = progress[id]
  local kind, seq, rest = match(record, "^q(........)(%d+),(.*)$")
  if not kind then return false end
  local address = (kinds.get(kind) or NONE).entry
  if not address then return false end
  local run = { id = id, state = "r", settled = 0, started = "", ended = "", kind = kind, rest = rest, isSingle = true }
  if not progress then
    run.live = GS .. "r" .. address .. "," .. seq .. "," .. GS
    return run
  end
  local letter, name, first, worker, started, output = match(progress, "^([wd])(........)([^,]*),([^,]*),(%d+)\30?(.*)$")
  if name ~= kind or letter == "d" and not tonumber(first) then return false end
  run.started = started
  if letter == "w" then
    if output ~= "" then run.taken = output end
    run.live, run.heldBy = GS .. "x" .. address .. "," .. first .. "," .. worker .. ",,0" .. GS, first
  else
    run.live, run.state, run.settled, run.ended = GS, "s", 1, first
    run.rest = rest .. RS .. address .. US .. worker .. ",,0," .. text(first - started) .. US .. output
  end
  return run
end

-- Takes one from a line, which was fetched: answers whether it was handled, and whether it was taken.
function singles.takeOne(who, id, line)
  if limits.isOn then return singles.takeLimited(who, id, line) end
  local isTaken = #singles.take(who, { id }, line) == 0
  return isTaken, isTaken
end

-- What a session lacks for a single that waits in a line; nil where it is not for that that it may not take it.
function singles.lackOf(who, id, line)
  local record = known[id]
  if type(record) ~= "string" or byte(record) ~= LETTER or progress[id] then return nil end
  local kind = kinds.get(sub(record, 2, 9))
  local step = kind and kinds.stepOf(kind, kind.entry)
  return step and step.queue == line.queue and not who.serves[step.needs] and step.needs or nil
end
