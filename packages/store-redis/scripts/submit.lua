#!lua
-- Creates runs, each whole or not at all. Refused as a whole when Redis is out of memory.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 … submissions: a head, `id fingerprint plan kind mode priority keep delay runAt
--      members onFailure inline next specs tags traceparent name` joined by US, then the plan's text ("" when it is not sent), then the input, then the specs
-- Returns a line for each submission: c<state> created, e<state> existing, x conflict, m plan missing
-- include base clock runs steps bodies values events ledger ready lease epilogue settle run-end history quick report flush

local HEAD = "^([^\31]*)\31([^\31]*)\31([^\31]*)\31(.)\31(.)\31(%d+)\31([^\31]*)\31(%d*)\31(%d*)\31(%d+)\31(%d)\31(%d+)\31(%d*)\31(%d+)\31([^\31]*)\31([^\31]*)\31(.*)$"

-- New runs by plan; a plan that is in it is known to be there.
local plans, listed, fresh = {}, {}, {}

local function hasPlan(hash, text)
  if plans[hash] then return true end
  local key = PREFIX .. "plan:" .. hash
  if text ~= "" then call("HSETNX", key, "text", text) elseif call("EXISTS", key) == 0 then return false end
  plans[hash] = 0
  return true
end

-- The entry steps of a scheduled run wait under its one timer.
local function schedule(run, due, from, to, nextPage)
  for i = from, to do
    local address, spec = string.match(ARGV[i], "^([^\30]*)\30(.*)$")
    local step = steps.add(run, address, spec)
    steps.move(step, WAITING)
    step.due = text(due - run.created)
  end
  if nextPage ~= "" then
    local step = steps.add(run, "", epilogue.openingSpec())
    steps.move(step, WAITING)
    step.cursor = tonumber(nextPage)
  end
  call("ZADD", PREFIX .. "timers", due, string.format("%015.0f", tonumber(clock.nextSeq())) .. "|" .. run.id .. "|")
end

local function start(run, from, to, nextPage)
  ready.startEntries(run, from, to)
  if nextPage ~= "" then
    -- The entry steps beyond the first page: some worker sends them, as for an inlined dag.
    local step = steps.add(run, "", epilogue.openingSpec())
    step.cursor = tonumber(nextPage)
    steps.move(step, READY)
    ready.enqueue(step)
  end
  settle.endBodyIfDone(run, "")
end

local function submitOne(at)
  local id, fingerprint, plan, kind, mode, priority, keep, delay, runAt, members, onFailure, inline, nextPage, specs, tags, traceparent, name =
    string.match(ARGV[at], HEAD)
  local from = at + 3
  local after = from + tonumber(specs)
  local known = fresh[id] or call("HMGET", PREFIX .. "run:" .. id, "f", "s")
  if known[1] then
    return (known[1] == fingerprint and "e" .. string.sub(known[2], 1, 1) or "x"), after
  end
  if not hasPlan(plan, ARGV[at + 1]) then return "m", after end
  plans[plan] = plans[plan] + 1
  local due = tonumber(runAt) or clock.now + (tonumber(delay) or 0)
  local isScheduled = due > clock.now
  local head = clock.now .. "," .. kind .. "," .. clock.runs .. "," .. mode .. "," .. priority .. "," .. keep .. "," .. members .. "," .. inline
  clock.runs = clock.runs + 1
  listed[#listed + 1] = id
  local input = ARGV[at + 2]
  local isPlain = members == "1" and specs == "1" and onFailure == "0" and nextPage == ""
  -- What has nothing special about it goes the straight road.
  if isPlain and not isScheduled and keep == "" and tags == "" and traceparent == "" and #input <= 64 then
    local address, specText = string.match(ARGV[from], "^([^\30]*)\30(.*)$")
    local spec = steps.specOf(specText)
    if spec.phase == RUN and (spec.reads == ":input" or spec.reads == "") and spec.name == ""
      and not bodies.isInner(address) then
      quick.submit(id, head, plan, fingerprint, name, input, address, specText, spec.queue, spec.priority or priority)
      events.add({ id = id }, "c")
      fresh[id] = { fingerprint, STARTED }
      return "cr", after
    end
  end
  local run = runs.adopt(id, head, (isScheduled and SCHEDULED or STARTED) .. ",0,0,,,0,0,0," .. (onFailure == "1" and "w" or "n") .. ",0,")
  run.dirty, run.isFresh = true, true
  run.writes = { "h", head, "p", plan, "f", fingerprint, "n", name }
  local n = #run.writes
  if tags ~= "" then
    run.writes[n + 1], run.writes[n + 2] = "g", tags
    n = n + 2
  end
  if traceparent ~= "" then run.writes[n + 1], run.writes[n + 2] = "x", traceparent end
  values.put(run, ":input", input)
  events.add(run, "c")
  if isScheduled then schedule(run, due, from, after - 1, nextPage) else start(run, from, after - 1, nextPage) end
  fresh[id] = { fingerprint, run.state }
  return "c" .. run.state, after
end

-- Runs are listed by number, a thousand to a list; the hash `runs` counts what each list still has, so that it goes when all
-- of them have gone.
local function listRuns()
  local at, number = 1, clock.runs - #listed
  local before = math.floor(number / 1000) - 1
  if number % 1000 == 0 and call("HGET", PREFIX .. "runs", before) == "0" then
    call("DEL", PREFIX .. "runs:" .. before)
    call("HDEL", PREFIX .. "runs", before)
  end
  while at <= #listed do
    local bucket = math.floor(number / 1000)
    local n = math.min(#listed - at + 1, (bucket + 1) * 1000 - number)
    call("RPUSH", PREFIX .. "runs:" .. bucket, unpack(listed, at, at + n - 1))
    call("HINCRBY", PREFIX .. "runs", bucket, n)
    at, number = at + n, number + n
  end
end

local results, n, at = {}, 0, 3
while at <= #ARGV do
  n = n + 1
  results[n], at = submitOne(at)
end
for hash, count in pairs(plans) do
  if count > 0 then call("HINCRBY", PREFIX .. "plan:" .. hash, "runs", count) end
end
listRuns()
flushAll(ARGV[2])
return table.concat(results, ",")
