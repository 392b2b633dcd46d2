-- Submissions that do not begin packed: scheduled runs, those with maps or conditions at their beginning, with a time of their own to be
-- kept, with a deadline, with a key, with a large input.

-- How far in the past, and how far off, a start may be: see core's run-at.ts.
local PAST_MS, AHEAD_MS = 60000, 315360000000

local HEAD = "^S([^\31]*)\31([^\31]*)\31([^\31]*)\31(.)\31(.)\31(%d+)\31([^\31]*)\31(%d*)\31(%d*)\31(%d+)\31(%d)\31(%d+)\31(%d*)\31(%d+)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31(%+?)(%d*)\31([^\31]*)\31([^\31]*)\31(.*)$"

-- The entry steps of a scheduled run wait under its one timer.
local function schedule(run, due, from, to, nextPage, needs, said)
  for i = from, to do
    local address, spec = string.match(ARGV[i], "^([^\30]*)\30(.*)$")
    local step = steps.add(run, address, spec)
    steps.move(step, WAITING)
    step.uses = said
    step.due = text(due - run.created)
  end
  if nextPage ~= "" then
    local step = steps.add(run, "", epilogue.openingSpec(needs))
    steps.move(step, WAITING)
    step.cursor = tonumber(nextPage)
  end
  settle.list(run, SCHEDULED)
  call("ZADD", PREFIX .. "timers", due, string.format("%015.0f", tonumber(clock.nextSeq())) .. "|" .. run.id .. "|")
end

local function start(run, from, to, nextPage, needs, said)
  ready.startEntries(run, from, to, said)
  if nextPage ~= "" then
    -- The entry steps beyond the first page: some worker sends them, as for an inlined dag.
    local step = steps.add(run, "", epilogue.openingSpec(needs))
    step.cursor = tonumber(nextPage)
    steps.move(step, READY)
    ready.enqueue(step)
  end
  settle.endBodyIfDone(run, "")
end

-- Creates a run that is not packed. `head` is what stands in its field h behind creation, kind and number.
local function create(id, plan, letter, head, onFailure, fingerprint, name, traceparent, tags, input, isScheduled)
  local number = submitting.number(id, plan)
  local run = runs.adopt(id, clock.text .. "," .. letter .. "," .. number .. "," .. head,
    (isScheduled and SCHEDULED or STARTED) .. ",0,0,,,0,0,0," .. (onFailure == "1" and "w" or "n") .. ",0,")
  run.dirty, run.isFresh, run.plan, run.fingerprint = true, true, plan, fingerprint
  run.writes = { "h", run.head, "p", plan, "f", fingerprint, "n", name }
  if tags ~= "" then run.writes[9], run.writes[10] = "g", tags end
  local n = #run.writes
  if traceparent ~= "" then run.writes[n + 1], run.writes[n + 2] = "x", traceparent end
  values.put(run, ":input", input)
  events.add(run, "c")
  return run
end

-- Submits a run of a group (see submit-packed.lua) that cannot begin packed after all; the specs are ARGV[from] to ARGV[to].
function submitting.whole(id, plan, kindText, tail, from, to)
  local kind = splitBy(kindText, US)
  local birth, input = string.match(tail, "^([^\30]*)\30(.*)$")
  local parts = splitBy(birth, US)
  local head = kind[3] .. "," .. kind[4] .. ",," .. kind[5] .. "," .. kind[7]
  start(create(id, plan, kind[2], head, kind[6], parts[1], kind[10], parts[2] or "", parts[3] or "", input, false), from, to, "", "", parts[4])
  return "cr"
end

-- True for a start that is neither past nor too far off. Who waits for one is told the time, so that it can say what is wrong.
local function isTimely(runAt)
  if runAt >= clock.now - PAST_MS and runAt <= clock.now + AHEAD_MS then return true end
  submitting.isUntimely = true
  return false
end

-- Submits what stands at ARGV[at]; answers its result, and where the next begins.
function submitting.other(at)
  local id, fingerprint, plan, kind, mode, priority, keep, delay, runAt, members, onFailure, inline, nextPage, count, tags, traceparent, needs, fromStart, deadline, claimText, said, name =
    string.match(ARGV[at], HEAD)
  local from = at + 3
  local after = from + tonumber(count)
  submitting.offerPlan(plan, ARGV[at + 1])
  submitting.noteIds({ id }, id)
  local known, state = submitting.find(id)
  if known then return submitting.again(fingerprint, known, state), after end
  local claim = claims.parse(claimText)
  local held = claim and claims.judge(claim, fingerprint)
  if held then return held, after end
  if runAt ~= "" and not isTimely(tonumber(runAt)) then return "i", after end
  local due = tonumber(runAt) or clock.now + (tonumber(delay) or 0)
  if claim then due = math.min(due, claims.latestStart(claim) or due) end
  local isScheduled = due > clock.now
  local refused = clock.steered and submitting.refusal(submitting.queuesIn(from, after - 1), isScheduled)
  if refused then return refused, after end
  if not submitting.hasPlan(plan) then return "m", after end
  local head = mode .. "," .. priority .. "," .. keep .. "," .. members .. "," .. inline
  local run = create(id, plan, kind, head, onFailure, fingerprint, name, traceparent, tags, ARGV[at + 2], isScheduled)
  if said == "" then said = nil end
  -- One that counts from the start is kept like any other: in ms from the submission.
  if fromStart ~= "" and isScheduled then deadline = string.format("%.0f", due - clock.now + deadline) end
  if claim then claims.take(claim, run, fingerprint) end
  if deadline ~= "" then settle.setDeadline(run, deadline) end
  if isScheduled then schedule(run, due, from, after - 1, nextPage, needs, said) else start(run, from, after - 1, nextPage, needs, said) end
  return "c" .. run.state, after
end
