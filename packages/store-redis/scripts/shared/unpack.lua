-- Unpacking: a run that was packed as all other fragments see it. It is written in that form, and its packed record removed, once
-- anything of it changes: see runs.flush.

local function ageOf(run, instant)
  return instant == "" and "" or text(instant + run.started)
end

-- Adopts a step; `times` is `worker,ready,started[,ended]` as packed, counted from the run's start.
local function adoptStep(run, address, state, session, seq, times)
  local worker, ready, started, ended = string.match(times, "^([^,]*),([%d-]*),?(%d*),?(%d*)")
  local fence = state == READY and "0" or "1"
  local readyAge = ready == "" and "0" or ready == "-" and "" or ageOf(run, ready)
  steps.adopt(run, address, state .. RUN .. "," .. fence .. ",0,0," .. session .. "," .. seq .. "," .. readyAge .. ","
    .. ageOf(run, started) .. "," .. ageOf(run, ended) .. ",,,,," .. worker)
end

local function adoptLive(run, entry)
  local state, rest = string.sub(entry, 1, 1), string.sub(entry, 2)
  if state == RUNNING then
    local address, session, times = string.match(rest, "^([^,]*),([^,]*),(.*)$")
    adoptStep(run, address, RUNNING, session, "", times)
    runs.hold(run, session, 1)
  elseif state == READY then
    local address, seq, ready = string.match(rest, "^([^,]*),(%d+),(%d*)$")
    adoptStep(run, address, READY, "", seq, "," .. ready)
  else
    local address, n = string.match(rest, "^([^,]*),(%d+)$")
    steps.adopt(run, address, BLOCKED .. RUN .. ",0,0,0,,,,,,," .. n .. ".0.0.0,,,")
  end
end

local function adoptDone(run, done)
  local address, times, output = string.match(done, "^([^\31]*)\31([^\31]*)\31(.*)$")
  adoptStep(run, address, SUCCEEDED, "", "", times)
  run.put[address] = output
  run.values[#run.values + 1] = address
end

-- What this script did to the run while it was packed is told with what it does to it now; its end, that has come, at once.
local function adoptTally(run, record)
  local tally = record.tally
  if not tally then return end
  if run.ended then return events.add(run, "e", "", "s " .. packed.tallyText(tally)) end
  run.tally = { [SUCCEEDED] = math.floor(tally / 1000), [RUNNING] = tally % 1000 > 0 and tally % 1000 or nil }
end

-- True where the plan has the specs of all steps that a record names.
local function isWhole(kind, record, done)
  for i = 3, #done do
    if not kinds.stepOf(kind, string.match(done[i], "^[^\31]*")) then return false end
  end
  for address in string.gmatch(record.live, "\29.([^,]*)") do
    if not kinds.stepOf(kind, address) then return false end
  end
  return true
end

-- What a single keeps of its limits, before it runs, and while it does.
local function adoptUses(run, said, tuple)
  for _, step in pairs(run.steps) do
    step.uses = tuple and limits.isOn and limits.takenUnder(said, tuple) or said
  end
end

-- A run from its packed record; nil where that cannot be read as a whole.
function runs.unpack(record)
  local kind, done = kinds.get(record.kind), splitBy(record.rest, RS)
  if not isWhole(kind, record, done) then return nil end
  local birth = splitBy(done[1], US)
  local run = runs.adopt(record.id, packed.headOf(record, 0))
  run.plan, run.traceparent, run.tags = kind.plan, birth[2] or "", birth[3] or ""
  run.isFresh, run.packed, run.name, run.fingerprint, run.put, run.values = true, record, kind.name, string.match(birth[1], "^%d+,%d+,(.*)$"), {}, {}
  record.isLeft = true
  adoptTally(run, record)
  run.put[":input"], run.values[1] = done[2], ":input"
  for i = 3, #done do adoptDone(run, done[i]) end
  for entry in string.gmatch(record.live, "([^\29]+)") do adoptLive(run, entry) end
  if record.isSingle then adoptUses(run, birth[4], record.taken) end
  run.dirty = false
  return run
end

-- The step of a run that has only one.
function runs.soleStep(run)
  for _, field in ipairs(run.packed and NONE or call("HKEYS", run.key)) do
    if string.sub(field, 1, 1) == "@" then steps.get(run, string.sub(field, 2)) end
  end
  for _, step in pairs(run.steps) do
    -- Its onFailure body is no step of its own.
    if step and step.address ~= "" and not epilogue.is(step) then return step end
  end
end

-- What a session holds of a single stands under the run alone.
local function renameHold(run)
  local session = run.packed.heldBy
  if run.packed.taken and limits.isOn then limits.rename(run.packed.taken, run.id, run.id .. "|" .. runs.soleStep(run).address .. "|1", session) end
  if call("SREM", PREFIX .. "held:" .. session, run.id) == 0 then return end
  local member, beats = run.id .. "|" .. runs.soleStep(run).address .. "|1", PREFIX .. "beats:" .. session
  call("SADD", PREFIX .. "held:" .. session, member)
  local progress = call("HGET", beats, run.id)
  if not progress then return end
  call("HDEL", beats, run.id)
  call("HSET", beats, member, progress)
end

local function hasChanged(run)
  if run.dirty or run.body.dirty or run.writes ~= NONE or run.inner ~= NONE or run.bodies ~= NONE then return true end
  -- That there is no history was merely looked at.
  for _, list in pairs(run.past) do
    if list ~= "" then return true end
  end
  for _, step in pairs(run.steps) do
    if step and step.dirty then return true end
  end
  return false
end

-- Has a run that was packed written whole; false where nothing of it has changed, so that it stays as it is.
function runs.leave(run)
  if not hasChanged(run) then return false end
  local writes, inner = run.writes, run.inner
  run.writes = { "h", run.head, "p", run.plan, "n", run.name, "f", run.fingerprint }
  if run.tags ~= "" then run.writes[9], run.writes[10] = "g", run.tags end
  local n = #run.writes
  if run.traceparent ~= "" then run.writes[n + 1], run.writes[n + 2] = "x", run.traceparent end
  run.inner = NONE
  for _, key in ipairs(run.values) do
    -- What a rerun has taken back is not there any more.
    if run.put[key] then values.put(run, key, run.put[key]) end
  end
  -- What a script has put since goes after what there was.
  for _, each in ipairs(writes) do run.writes[#run.writes + 1] = each end
  for _, each in ipairs(inner) do own(run, "inner")[#run.inner + 1] = each end
  for _, step in pairs(run.steps) do
    if step then step.dirty, step.isFresh = true, true end
  end
  run.dirty = true
  if run.packed.heldBy then renameHold(run) end
  packed.remove(run.id)
  return true
end
