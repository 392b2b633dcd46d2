-- A run as a whole: where it is listed, and whether it can go on.

-- The first place in a list of `ms|id` at which an instant is reached.
local function placeOf(key, ms)
  local low, high = 0, call("LLEN", key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local there = tonumber(string.match(call("LINDEX", key, middle), "^%d+")) or 0
    if there < ms then low = middle + 1 else high = middle end
  end
  return low
end

local function isShelved(key, ms, entry)
  for from = placeOf(key, ms), math.huge, 500 do
    local page = call("LRANGE", key, from, from + 499)
    for _, each in ipairs(page) do
      if each == entry then return true end
      if (tonumber(string.match(each, "^%d+")) or 0) > ms then return false end
    end
    if #page < 500 then return false end
  end
end

local function shelve(key, ms, entry)
  local pivot = call("LINDEX", key, placeOf(key, ms))
  if pivot then call("LINSERT", key, "BEFORE", pivot, entry) else call("RPUSH", key, entry) end
end

-- Every ended run stands where retention finds it.
local function checkShelf(run)
  if run.state == STARTED then return check.tell("record-broken", run.id, nil, nil, "ended, but running") end
  local ended = run.created + run.ended
  if run.keep == "" then
    local key, entry = PREFIX .. "ended:" .. run.state, ended .. "|" .. run.id
    if call("SISMEMBER", PREFIX .. "lettered", run.id) == 0 and not isShelved(key, ended, entry) and check.tell("run-unlisted", run.id, nil, "ended:" .. run.state, nil, true) then
      shelve(key, ended, entry)
    end
  elseif not call("ZSCORE", PREFIX .. "kept", run.id) and check.tell("run-unlisted", run.id, nil, "kept", nil, true) then
    call("ZADD", PREFIX .. "kept", ended + run.keep, run.id)
  end
end

-- A scheduled run has a timer of its own, whose number no record knows.
local function checkTimer(run, due)
  if not due then return end
  local ms = run.created + due
  local timers = call("ZRANGEBYSCORE", PREFIX .. "timers", ms, ms, "LIMIT", 0, 5000)
  for _, each in ipairs(timers) do
    if string.match(each, "^%d+(|.*)$") == "|" .. run.id .. "|" then return end
  end
  if #timers < 5000 and check.tell("step-unplaced", run.id, nil, "timers", "the run is scheduled, but has no timer", true) then
    call("ZADD", PREFIX .. "timers", ms, string.format("%015.0f", tonumber(clock.nextSeq())) .. "|" .. run.id .. "|")
  end
end

-- Whoever has a deadline has a timer for it.
local function checkDeadline(run)
  local age = not run.packed and tonumber(call("HGET", run.key, "d") or "")
  if not age or run.cancelling then return end
  local ms = run.created + age
  local timers = call("ZRANGEBYSCORE", PREFIX .. "timers", ms, ms, "LIMIT", 0, 5000)
  for _, each in ipairs(timers) do
    if string.match(each, "^%d+(|.*)$") == "|" .. run.id .. "|!" then return end
  end
  if #timers < 5000 and check.tell("step-unplaced", run.id, nil, "timers", "the run has a deadline, but no timer", true) then
    settle.addDeadline(run, age)
  end
end

-- Who asks for runs of some states finds them by these lists only.
local function checkState(run, number)
  local key = PREFIX .. "listed:" .. run.state
  if tonumber(call("ZSCORE", key, run.id) or "") == number then return end
  if check.tell("run-unfound", run.id, nil, "listed:" .. run.state, nil, true) then call("ZADD", key, number, run.id) end
end

-- Told once: it may be all of them.
local isToldBeyond = false

local function checkNewest(run)
  if isToldBeyond or not submitting.isNew(run.id) then return end
  isToldBeyond = not check.tell("run-beyond", run.id, nil, "clock", nil, true)
  if not isToldBeyond then
    submitting.noteIds({ run.id }, run.id)
    submitting.flushNewest()
  end
end

function check.listings(run, head, plan, due)
  checkNewest(run)
  local number = tonumber(string.match(head, "^%d+,.,(%d+),"))
  if run.state ~= STARTED and run.state ~= SUCCEEDED then checkState(run, number) end
  if call("LINDEX", PREFIX .. "runs:" .. math.floor(number / 1000), number % 1000) ~= run.id then
    check.tell("run-unnumbered", run.id, nil, "runs:" .. math.floor(number / 1000))
  end
  if call("HEXISTS", PREFIX .. "plan:" .. plan, "text") == 0 then check.tell("plan-missing", run.id, nil, "plan:" .. plan) end
  if not run.ended then checkDeadline(run) end
  if run.ended then checkShelf(run) elseif run.state == SCHEDULED then checkTimer(run, due) end
end

local function isDone(run, owner)
  local body = bodies.of(run, owner)
  if body.settled < body.members or body.epilogue == "r" then return false end
  if owner == "" then return run.state == STARTED and not settle.isOpening(run) end
  local step = steps.get(run, owner)
  return step ~= nil and step.state == EXPANDING
end

-- Bodies of which all members have settled end; a run that goes on has something that can move.
function check.goesOn(run, owners, moving)
  if run.ended then return end
  if run.cancelling then
    if runs.holdersOf(run) == "" then check.tell("run-open", run.id, nil, nil, "it is being cancelled", true) end
    return
  end
  local isMended = false
  for _, owner in ipairs(owners) do
    if isDone(run, owner) then
      local mends = check.tell(owner == "" and "run-open" or "step-open", run.id, owner, nil, nil, true)
      if mends then settle.endBodyIfDone(run, owner) end
      isMended = true
    end
  end
  if moving == 0 and run.state == STARTED and not isMended then check.tell("run-stuck", run.id) end
end

-- Everything about a run, once its steps have been added up. `fields` has the owners of its bodies and the names it counts.
function check.whole(run, head, plan, sums, fields, isCertain)
  -- Half of what a rerun takes back may be gone, and nothing of it moves yet.
  if run.ended and run.state == STARTED and call("HEXISTS", run.key, "r") == 1 then return {}, function() end end
  local owners, bodiesThere = { "" }, {}
  for _, owner in ipairs(fields.bodies) do
    if steps.get(run, owner) then
      owners[#owners + 1], bodiesThere[#bodiesThere + 1] = owner, owner
    elseif check.tell("orphan", run.id, owner, nil, "a body without its step", true) then
      call("HDEL", bodies.isInner(owner) and runs.moreKey(run) or run.key, "#" .. owner)
    end
  end
  -- Counters first: what is mended after them counts on.
  fields.bodies = bodiesThere
  local unsure = check.compare(run, sums, fields, isCertain)
  check.listings(run, head, plan, sums.due)
  return unsure, function() check.goesOn(run, owners, sums.moving) end
end
