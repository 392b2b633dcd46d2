-- What an inspection finds, and where a step stands. ARGV[3] is 1 where what can be mended is mended.

check.repair, check.found, check.touched = ARGV[3] == "1", {}, {}

-- Notes a problem; answers true where it is to be mended, which the caller does at once.
function check.tell(kind, run, step, key, detail, isMendable)
  local mends = isMendable and check.repair
  check.found[#check.found + 1] = { kind, run or "", step or "", key or "", detail or "", mends and 1 or 0 }
  return mends
end

function check.tellStep(kind, step, detail, isMendable)
  return check.tell(kind, step.run.id, step.address, "", detail, isMendable)
end

-- The number of an entry; a single's stands in its record.
local function numberOf(entry)
  if #entry > singles.ID_LENGTH then return tonumber(string.match(entry, "^(-?%d+)|")) end
  local run = packed.get(entry)
  return run and tonumber((select(2, packed.firstReady(run))))
end

-- Entries of a line are in the order of their numbers, so one is found by halving.
local function halve(key, seq, entry, id)
  local low, high, wanted = 0, call("LLEN", key) - 1, tonumber(seq)
  while low <= high and wanted do
    local middle = math.floor((low + high) / 2)
    local there = call("LINDEX", key, middle)
    if there == entry or there == id then return true end
    local number = numberOf(there)
    if not number or number == wanted then return false end
    if number < wanted then low = middle + 1 else high = middle - 1 end
  end
  return false
end

-- Whoever missed it looks again, from both ends, in case the order was broken.
local function search(key, entry, id)
  for _, each in ipairs({ entry, id }) do
    if call("LPOS", key, each, "MAXLEN", 20000) or call("LPOS", key, each, "RANK", -1, "MAXLEN", 20000) then return true end
  end
  return false
end

local function hasEntry(step)
  if step.seq == "" then return false end
  local queue = step.phase == RUN and step.spec.queue or ""
  local line = PREFIX .. "line:" .. queue .. ":" .. steps.priorityOf(step) .. ":"
  local own = line .. steps.needsOf(step)
  local entry = step.seq .. "|" .. step.run.id .. "|" .. step.address
  -- The id alone counts as long as the step was never taken.
  local id = step.fence == "0" and step.run.id or entry
  if halve(line, step.seq, entry, id) or halve(own, step.seq, entry, id) or search(line, entry, id) or search(own, entry, id) then return true end
  if not limits.isOn or step.phase ~= RUN then return false end
  for _, each in ipairs(check.limitedLines(step)) do
    if halve(each, step.seq, entry, id) or search(each, entry, id) then return true end
  end
  return false
end

-- The score of a step's timer; false when it has none.
local function timerOf(step)
  local number = tonumber(step.seq)
  return number and call("ZSCORE", PREFIX .. "timers", string.format("%015.0f", number) .. "|" .. step.run.id .. "|" .. step.address)
end

-- How a session lists the lease of a step.
local function memberOf(step)
  local run = step.run
  if run.packed and run.packed.isSingle then return run.id end
  return lease.memberOf(step)
end

-- The lease of a step that names a session.
local function checkLease(step)
  local member = memberOf(step)
  local state = call("HGET", PREFIX .. "session:" .. step.session, "state")
  if not state or state == "over" then
    if check.tellStep("lease-dead", step, "session " .. step.session, true) then report.giveBack(step) end
  elseif call("SISMEMBER", PREFIX .. "held:" .. step.session, member) == 0 then
    if check.tellStep("lease-unlisted", step, "session " .. step.session, true) then
      call("SADD", PREFIX .. "held:" .. step.session, member)
      if step.phase ~= RUN then call("SADD", PREFIX .. "control:" .. step.session, member) end
    end
  end
  if step.uses and limits.isOn and step.phase == RUN and step.session then check.slots(step, member) end
end

-- Puts back what stands nowhere, at no cost.
local function putBack(step)
  if steps.isSettled(step) then
    ready.requestAdvance(step, step.cursor)
  elseif step.state == WAITING and step.due ~= "" then
    report.wait(step, step.run.created + step.due, step.reason)
  else
    ready.make(step)
  end
end

-- A map with a spread that is laid out has counted each of its instances.
local function checkShares(step)
  if step.state ~= EXPANDING and step.state ~= SUCCEEDED then return end
  local body = bodies.of(step.run, step.address)
  local counted = body.members > 0 and shares.sum(step)
  if counted and counted ~= body.count then
    check.tellStep("count-spread", step, "recorded " .. counted .. " of " .. tostring(body.count))
  end
end

-- Each step that has not ended stands in exactly one place.
function check.place(step)
  local run, state = step.run, step.state
  if step.spec.kind == "m" then checkShares(step) end
  if step.mapped and not call("ZSCORE", PREFIX .. "order:" .. run.id, step.address) then
    if check.tellStep("step-unlisted", step, nil, true) then call("ZADD", PREFIX .. "order:" .. run.id, 0, step.address) end
  end
  if step.session then return checkLease(step) end
  -- A run that is being cancelled leaves its steps where they are.
  if run.ended or run.cancelling then return end
  local isPlaced = true
  if steps.isSettled(step) then
    if step.phase == ADVANCE then isPlaced = hasEntry(step) end
  elseif state == READY then
    isPlaced = hasEntry(step)
  elseif state == WAITING then
    isPlaced = run.state == SCHEDULED or timerOf(step)
  elseif state == RUNNING then
    isPlaced = false
  elseif state == BLOCKED then
    local s, f, k, c = string.match(step.marks, "^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    if s and s + f + k + c >= step.spec.parents then check.tellStep("step-unjudged", step, "marks " .. step.marks) end
  end
  -- A retry by hand is about to place it.
  if not isPlaced and call("HEXISTS", run.key, "r") == 1 then return end
  if not isPlaced and check.tellStep("step-unplaced", step, steps.isSettled(step) and "it has settled" or nil, true) then putBack(step) end
end
