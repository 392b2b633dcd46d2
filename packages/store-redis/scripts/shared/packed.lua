-- Packed runs: a run whose steps so far were all taken once and succeeded is one field of the hash `packed`, so that many runs are
-- read in one command and written in one. Whatever happens otherwise (a retry, a loss, a cancel, a map, a large value) unpacks it, for
-- good, into a hash of its own: see unpack.lua, which is the only other place in Lua that knows this form; in TypeScript it is
-- src/packed.ts.
--
--   record  head RS live RS kind RS birth RS input [RS address US worker,ready,started,ended US output] ..
--   head    state settled,started,ended: the state is r (running) or s (succeeded)
--   live    GS, and of each step that is at hand `r<address>,<seq>,<ready> GS` (ready), `x<address>,<session>,<worker>,<ready>,<started>
--           GS` (running) or `b<address>,<parents that succeeded> GS` (blocked)
--           What is handed straight on was never ready: then `ready` is `-`, here as in the record.
--   kind    its name: see kinds.lua
--   birth   created,number,fingerprint [US traceparent US tags]
--
-- Instants are milliseconds by the store's clock; a ready one that is empty is the instant of the submission.

packed.key = PREFIX .. "packed"
-- Runs by id: records as they were read, taken apart when somebody asks; false where a run is not packed.
packed.known = {}

local byte, find, sub, match = string.byte, string.find, string.sub, string.match
local RECORD = "^(%a)(%d+),(%d*),(%d*)\30([^\30]*)\30([^\30]*)\30(.*)$"

-- A record that grew beyond this is unpacked when it next changes.
local LARGEST = 8192
-- The most steps that one success may make ready in it.
local MOST_NEXT = 100

local changed = {}

local function parse(id, record)
  if byte(record) == singles.LETTER then return singles.parse(id, record) end
  local state, settled, started, ended, live, kind, rest = match(record, RECORD)
  if not state or not kinds.get(kind) then return false end
  return { id = id, state = state, settled = settled + 0, started = started, ended = ended, live = live, kind = kind, rest = rest,
    more = "" }
end

-- Reads runs, all in one look.
function packed.fetch(ids)
  fetchInto(packed.known, packed.key, ids)
end

-- A packed run; nil where it is none.
function packed.get(id)
  local run = packed.known[id]
  if run == nil then
    run = call("HGET", packed.key, id)
    packed.known[id] = run
  end
  if not run then return nil end
  if type(run) == "string" then
    run = parse(id, run)
    packed.known[id] = run
  end
  return run or nil
end

-- The first step of a run that stands in a line, and the number of its entry; nil where none does.
function packed.firstReady(run)
  return match(run.live, "^\29r([^,]*),(%d+),")
end

-- The value under a key, false where there is none: the run's input, or a step's output.
function packed.valueOf(run, key)
  local rest = run.rest
  local from
  if key == ":input" then
    from = find(rest, RS, 1, true)
  else
    local needle = RS .. key .. US
    local _, to = find(run.more, needle, 1, true)
    if to then rest = run.more else _, to = find(rest, needle, 1, true) end
    from = to and find(rest, US, to + 1, true)
  end
  if not from then return false end
  return sub(rest, from + 1, (find(rest, RS, from + 1, true) or 0) - 1)
end

-- A run's traceparent and tags, joined by US.
function packed.extrasOf(run)
  return sub(run.rest, find(run.rest, US, 1, true) + 1, find(run.rest, RS, 1, true) - 1)
end

local function change(run)
  if run.isChanged then return end
  run.isChanged = true
  changed[#changed + 1] = run
end

-- What every taking writes and tells; `member` is what stands for it in `held:<session>`.
local function hold(who, run, kind, step, address, member)
  if run.started == "" then run.started = clock.text end
  change(run)
  lease.note(who.id, member)
  ledger.running(step.queue, 1)
  take.addPacked(run, kind, step, address, member)
end

-- A new run.
function packed.add(id, live, kindText, rest)
  local run = { id = id, state = "r", settled = 0, started = "", ended = "", live = live, kind = kindText, rest = rest, more = "" }
  packed.known[id] = run
  change(run)
end

-- The fields h and s of a run, as runs.lua has them: `purged` is 0 or 1.
function packed.headOf(run, purged)
  local kind, created, number = kinds.get(run.kind), match(run.rest, "^(%d+),(%d+),")
  local function age(instant) return instant == "" and "" or text(instant - created) end
  return created .. "," .. kind.letter .. "," .. number .. "," .. kind.mode .. "," .. kind.priority .. ",," .. kind.members .. ","
    .. kind.inline, run.state .. ",0,0," .. age(run.started) .. "," .. age(run.ended) .. "," .. run.settled .. ",0,0,"
    .. (kind.onFailure and "w," or "n,") .. purged .. ","
end

-- Leaves of a run that has ended only what says that it was there, in a hash of its own: kinds do not last as long.
function packed.strip(run)
  packed.leaveTrace(run)
  packed.remove(run.id)
  packed.known[run.id] = false
end

function packed.leaveTrace(run)
  local kind, head, status = kinds.get(run.kind), packed.headOf(run, 1)
  call("HSET", PREFIX .. "run:" .. run.id, "h", head, "s", status, "p", kind.plan, "n", kind.name, "f",
    match(run.rest, "^%d+,%d+,([^\30\31]*)"))
end

function packed.remove(id)
  call("HDEL", packed.key, id)
  call("HDEL", singles.key, id)
end

function packed.numberOf(run)
  return match(run.rest, "^%d+,(%d+)")
end

-- Takes the ready step behind an entry for a session; false where it is not to be had in this way, and what it needs as well where the
-- session lacks just that.
function packed.take(who, seq, id, address, member)
  local run = packed.get(id)
  if not run or run.isLeft then return false end
  local live = run.live
  local from, to = find(live, GS .. "r" .. address .. "," .. seq .. ",", 1, true)
  if not from then return false end
  local kind = kinds.get(run.kind)
  local step = kinds.stepOf(kind, address)
  if not step then return false end
  if kind.says or limits.isOn and limits.mayLimit(step.needs, step.queue) then return false end
  if not who.serves[step.needs] then return false, step.needs end
  local stop = find(live, GS, to + 1, true)
  run.isSingle = nil
  run.live = sub(live, 1, from) .. "x" .. address .. who.mark .. sub(live, to + 1, stop - 1) .. "," .. clock.text .. sub(live, stop)
  hold(who, run, kind, step, address, member .. "|1")
  return true
end

-- True where the steps that follow are plain ones that a success makes ready; asked once of each step and plan.
local function arePlain(kind, list)
  -- A record names all steps that are ready: with many of them each taking would rewrite a long one.
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

-- Tells a step that one of its parents has succeeded.
local function mark(who, run, kind, address, hop)
  local step = kinds.stepOf(kind, address)
  if step.parents > 1 then
    local live = run.live
    local from, to = find(live, GS .. "b" .. address .. ",", 1, true)
    local stop = from and find(live, GS, to + 1, true)
    local n = from and sub(live, to + 1, stop - 1) + 1 or 1
    if from then live = sub(live, 1, from) .. sub(live, stop + 1) end
    if n < step.parents then
      run.live = live .. "b" .. address .. "," .. n .. GS
      return
    end
    run.live = live
  end
  if step.inline and not hop and take.inlines(step.needs, step.queue) then
    run.live = run.live .. "x" .. address .. who.atOnce
    hold(who, run, kind, step, address, run.id .. "|" .. address .. "|1")
    run.inlined = (run.inlined or 0) + 1
  else
    local seq = clock.nextSeq()
    run.live = run.live .. "r" .. address .. "," .. seq .. "," .. clock.text .. GS
    ledger.push(step.queue, step.priority, "", seq, run.id, address)
  end
end

local function finish(run)
  run.state, run.ended = "s", clock.text
  shelves.add("ended:s", clock.stamp .. run.id)
end

-- A step's success, told by the session that holds it, and the steps that follow. False where this is no case for packed runs: then
-- nothing was changed.
function packed.succeed(who, id, address, output, list)
  local run = packed.get(id)
  if not run or run.isLeft or run.isSingle or #run.rest > LARGEST then return false end
  local live = run.live
  local needle = who.needles[address]
  if not needle then
    needle = GS .. "x" .. address .. "," .. who.id .. ","
    who.needles[address] = needle
  end
  local from, to = find(live, needle, 1, true)
  if not from then return false end
  local kind = kinds.get(run.kind)
  local step = kinds.stepOf(kind, address)
  if not step or not arePlain(kind, list) then return false end
  local stop = find(live, GS, to + 1, true)
  run.live = sub(live, 1, from - 1) .. sub(live, stop)
  run.more = run.more .. RS .. address .. US .. sub(live, to + 1, stop - 1) .. "," .. clock.text .. US .. output
  run.settled, run.succeeded = run.settled + 1, (run.succeeded or 0) + 1
  change(run)
  lease.drop(who.id, id .. "|" .. address .. "|1")
  ledger.running(step.queue, -1)
  for i = 1, #list do mark(who, run, kind, list[i].address, list.hop) end
  if run.settled == kind.members then finish(run) end
  return true
end

-- How many steps of a run have succeeded, and how many were handed straight on, as text; few are not alike.
local tallies = {}

local function tallyOf(run)
  local number = run.succeeded * 1000 + (run.inlined or 0)
  local tally = tallies[number]
  if not tally then
    tally = run.inlined and "s" .. run.succeeded .. " x" .. run.inlined or "s" .. run.succeeded
    tallies[number] = tally
  end
  return tally
end

-- Sums up what happened to a run.
function packed.tell(run)
  if not run.succeeded then return end
  if run.state == "s" then
    events.addText("e" .. US .. run.id .. US .. US .. "s " .. tallyOf(run))
  else
    events.addText("s" .. US .. run.id .. US .. US .. tallyOf(run))
  end
end

-- Writes what has changed, but for runs that were unpacked meanwhile.
function packed.flush()
  local writes, n = {}, 0
  for _, run in ipairs(changed) do
    if not run.isLeft then
      writes[n + 1] = run.id
      writes[n + 2] = run.state .. text(run.settled) .. "," .. run.started .. "," .. run.ended .. RS .. run.live .. RS .. run.kind .. RS
        .. run.rest .. run.more
      n = n + 2
      packed.tell(run)
    end
  end
  if n > 0 then callMany("HSET", packed.key, writes) end
end
