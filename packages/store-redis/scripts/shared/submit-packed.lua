-- Submitting: what both ways have in common, and groups of runs that begin packed.

-- New runs by plan (a plan that is in it is known to be there), and in the order of their numbers.
local plans, listed = {}, {}
-- Whether any result is about the instant.
submitting.isUntimely = false
-- The texts of plans, each of which a batch carries once, maybe with a run that is known.
local texts = {}

function submitting.offerPlan(hash, planText)
  if planText ~= "" then texts[hash] = planText end
end

-- To be asked only for a run that is new: nobody would drop again what came with one that is merely remembered. A plan of which a spec is
-- shared is there; `address` is that of one which will be looked for anyhow.
function submitting.hasPlan(hash, address)
  if plans[hash] then return true end
  local key, planText = PREFIX .. "plan:" .. hash, texts[hash] or ""
  if planText ~= "" then call("HSETNX", key, "text", planText) elseif not (address and specs.shared(hash, address)) and call("EXISTS", key) == 0 then
    return false
  end
  plans[hash] = 0
  return true
end

-- Counts and lists new runs of a plan that is there.
function submitting.list(ids, plan)
  local before, n = #listed, #ids
  for i = 1, n do listed[before + i] = ids[i] end
  clock.runs = clock.runs + n
  plans[plan] = plans[plan] + n
end

-- Counts and lists a new run; answers its number.
function submitting.number(id, plan)
  local number = clock.runs
  clock.runs = number + 1
  listed[#listed + 1] = id
  plans[plan] = plans[plan] + 1
  return number
end

-- What is known of an id: fingerprint and state, or nil.
function submitting.find(id)
  submitting.showFresh()
  local earlier = isMade(runs) and runs.known[id]
  -- One that was looked at as the holder of a key was not made here, and its fingerprint not read.
  if earlier and earlier.fingerprint then return earlier.fingerprint, earlier.state end
  local run = packed.get(id)
  if run then return string.match(run.rest, "^%d+,%d+,([^\30\31]*)"), run.state end
  local known = call("HMGET", PREFIX .. "run:" .. id, "f", "s")
  if known[1] then return known[1], earlier and earlier.state or string.sub(known[2], 1, 1) end
end

-- The answer to a submission whose id is known.
function submitting.again(fingerprint, known, state)
  return known == fingerprint and "e" .. state or "x"
end

-- Whether any of these ids stands in a key of its own.
local function areUnpacked(ids)
  for from = 1, #ids, 1000 do
    local keys = {}
    for i = from, math.min(#ids, from + 999) do keys[#keys + 1] = PREFIX .. "run:" .. ids[i] end
    if call("EXISTS", unpack(keys)) > 0 then return true end
  end
  return false
end

-- The specs of a group, shared by its plan; nil where one is not the shared one, as when versions pack differently: then each run of the
-- group keeps its own, or where one has to be admitted first.
local function readEntries(kind, from, count)
  local entries = {}
  if not kind then return nil end
  for i = from, from + count - 1 do
    local address, specText = string.match(ARGV[i], "^([^\30]*)\30(.*)$")
    if not specs.share(kind.plan, address, specText) then return nil end
    local step = kinds.stepOf(kind, address)
    -- Some worker has to say its keys first.
    if limits.isOn and not kind.says and not limits.tupleOf(step.needs, step.queue) then return nil end
    entries[#entries + 1] = { address = address, queue = step.queue, priority = step.priority, needs = step.needs }
  end
  return entries
end

local function create(id, kind, entries, tail)
  local number = submitting.number(id, kind.plan)
  if kind.entry ~= "" then return singles.add(id, kind, entries[1], number, tail) end
  local first
  for i = 1, #entries do
    local entry, seq = entries[i], clock.nextSeq()
    first = first or seq
    ledger.push(entry.queue, entry.priority, "", seq, id, entry.address)
  end
  packed.add(id, "p" .. kind.id .. first .. "," .. clock.text .. "," .. number .. "," .. tail)
end

-- The ids of a group, with blanks between.
local function idsIn(idText, areAlike)
  local ids, n = {}, 0
  if areAlike then
    for from = 1, #idText, 27 do
      n = n + 1
      ids[n] = string.sub(idText, from, from + 25)
    end
  else
    for id in string.gmatch(idText, "[^ ]+") do ids[#ids + 1] = id end
  end
  return ids
end

-- What each run of a group has of its own.
local function tailsIn(tailText, count)
  local tails, at = {}, 1
  for i = 1, count do
    local stop = string.find(tailText, "\28", at, true)
    tails[i] = string.sub(tailText, at, stop - 1)
    at = stop + 1
  end
  return tails
end

-- Submits the group at ARGV[at]; answers how many results there are then, and where the next begins.
function submitting.packed(at, results, n)
  local name, plan, specCount, order, greatest, kindText = string.match(ARGV[at], "^P(........)\30([^\30]*)\30(%d+)\30(.)([^\30]*)\30(.*)$")
  local first = at + 2 + specCount
  submitting.offerPlan(plan, ARGV[at + 1])
  local hasPlan, kind, entries
  local function prepare()
    hasPlan = submitting.hasPlan(plan, string.match(ARGV[at + 2], "^[^\30]*"))
    kind = hasPlan and kinds.add(name, kindText)
    entries = readEntries(kind, at + 2, tonumber(specCount))
  end
  local wanted
  local function refusal()
    wanted = wanted or submitting.queuesIn(at + 2, first - 1)
    return submitting.refusal(wanted, false)
  end
  local ids = idsIn(ARGV[first], order ~= "-")
  local isFresh = submitting.areFresh(ids, order == "a", greatest)
  if isFresh and not clock.steered and not limits.isOn then
    prepare()
    if entries and #entries == 1 then
      submitting.addFresh(ids, ARGV[first], kind, entries[1], ARGV[first + 1])
      results[n + 1] = "cr*" .. #ids
      return n + 1, first + 2
    end
  end
  local mayBeKnown = false
  if not isFresh then
    submitting.showFresh()
    packed.fetch(ids)
    mayBeKnown = areUnpacked(ids)
  end
  local tails = tailsIn(ARGV[first + 1], #ids)
  for i = 1, #ids do
    n = n + 1
    local id, tail = ids[i], tails[i]
    local known, state
    if not isFresh and (packed.known[id] or mayBeKnown or isMade(runs)) then known, state = submitting.find(id) end
    local refused = not known and clock.steered and refusal()
    if not known and not refused and hasPlan == nil then prepare() end
    if known then
      results[n] = submitting.again(string.match(tail, "^[^\30\31]*"), known, state)
    elseif refused then
      results[n] = refused
    elseif not hasPlan then
      results[n] = "m"
    elseif entries then
      create(id, kind, entries, tail)
      results[n] = "cr"
    else
      results[n] = submitting.whole(id, plan, kindText, tail, at + 2, first - 1)
    end
  end
  return n, first + 2
end

-- Runs are listed by number, a thousand to a list; the hash `runs` counts what each list still has, so that it goes when all
-- of them have gone. The zset `starts` has the instant of each list's first run.
local function listRuns()
  local at, number = 1, clock.runs - #listed
  local before = math.floor(number / 1000) - 1
  if number % 1000 == 0 and call("HGET", PREFIX .. "runs", before) == "0" then
    call("DEL", PREFIX .. "runs:" .. before)
    call("HDEL", PREFIX .. "runs", before)
    call("ZREM", PREFIX .. "starts", string.format("%012d", before))
  end
  while at <= #listed do
    local bucket = math.floor(number / 1000)
    local n, name = math.min(#listed - at + 1, (bucket + 1) * 1000 - number), text(bucket)
    if number % 1000 == 0 then call("ZADD", PREFIX .. "starts", clock.now, string.format("%012d", bucket)) end
    call("RPUSH", PREFIX .. "runs:" .. name, unpack(listed, at, at + n - 1))
    -- At once, in a key that is there: a script that is cut off behind this has given out no number that another run gets.
    call("HSET", KEYS[1], "seq", clock.seq, "runs", number + n)
    call("HINCRBY", PREFIX .. "runs", name, n)
    at, number = at + n, number + n
  end
end

-- Counts and lists all that was created.
function submitting.count()
  -- What a script that is cut off leaves: ids that count as known without a run do no harm, nor do places in the list.
  submitting.flushNewest()
  for hash, count in pairs(plans) do
    if count > 0 then call("HINCRBY", PREFIX .. "plan:" .. hash, "runs", count) end
  end
  listRuns()
  submitting.flushFresh()
end
