-- What a worker reports of one step. A report is a head in ARGV, `type run address fence reason delay members onFailure next
-- specs rescues` joined by US (of what names steps that follow, delay is 1 where an only child has to stand in its line), then its payload (output, error or input), then as many specs as the head says.

local HEAD = "^(.)\31([^\31]*)\31([^\31]*)\31(%d+)\31([^\31]*)\31(%d*)\31(%d*)\31(%d?)\31(%d*)\31(%d*)\31(.*)$"

-- The step that a lease is on, whether or not it is still valid. `look` is runs.getForGrant where a successor may be handed out.
function report.stepBehind(id, address, look)
  local run = (look or runs.get)(id, address)
  if not run or run.purged then return nil end
  return steps.get(run, address)
end

-- Keeps why a try failed.
local function fail(step, reason, err)
  history.keep(step, reason, err)
  if step.phase == RUN then step.tries = step.tries + 1 end
  values.put(step.run, step.address .. ":error", err)
end

local function backToLine(step, first)
  local run = step.run
  if run.ended then return end
  if run.cancelling then
    if step.phase ~= ADVANCE then settle.step(step, CANCELLED, "cancelled") end
  elseif step.phase == ADVANCE then
    ready.requestAdvance(step, step.cursor)
  else
    ready.make(step, first)
  end
end

-- Ends a step's lease and puts the step back, at no cost; before all others of its line, where that is said.
function report.giveBack(step, first)
  lease.finish(step)
  backToLine(step, first)
end

-- What a step is handed out for by its kind, beyond a `when` and before what follows.
function report.phaseByKind(step)
  local kind = step.spec.kind
  return kind == "t" and RUN or kind == "m" and EXPAND or ENTER
end

-- Lets a step wait for an instant.
function report.wait(step, due, reason)
  steps.move(step, WAITING, reason)
  step.due, step.seq = text(due - step.run.created), clock.nextSeq()
  call("ZADD", PREFIX .. "timers", due, string.format("%015.0f", tonumber(step.seq)) .. "|" .. step.run.id .. "|" .. step.address)
end

-- The lease of a map or an inlined dag ends: from now on its body goes on by itself.
function report.beginBody(step)
  lease.finish(step)
  steps.move(step, EXPANDING)
  step.seq = ""
  settle.endBodyIfDone(step.run, step.address)
end

local apply = {}

-- Succeeded. May come late, when nobody has taken the step since; everything else needs the lease.
apply["s"] = function(step, r)
  values.putOutput(step, r.payload)
  settle.step(step, SUCCEEDED, nil, r)
end

apply["f"] = function(step, r)
  fail(step, r.reason, r.payload)
  settle.step(step, r.reason == "cancelled" and step.run.cancelling and CANCELLED or FAILED, r.reason, r)
end

apply["k"] = function(step, r)
  settle.step(step, SKIPPED, "condition", r)
end

apply["a"] = function(step, r)
  if step.phase ~= ADMIT then return false end
  lease.finish(step)
  step.phase = report.phaseByKind(step)
  -- What its code says of limits that depend on its input.
  if step.spec.kind == "t" and limits.isOn then step.uses = r.payload end
  backToLine(step)
end

apply["r"] = function(step, r)
  fail(step, r.reason, r.payload)
  lease.finish(step)
  if step.run.cancelling then
    settle.step(step, CANCELLED, "cancelled")
  else
    report.wait(step, clock.now + tonumber(r.delay), r.reason)
  end
  events.add(step.run, "r", step.address, r.reason .. " " .. step.tries)
end

apply["g"] = function(step, r)
  report.giveBack(step, r.reason == "first" and step.phase == RUN)
end

apply["e"] = function(step, r)
  if step.phase ~= ENTER then return false end
  local run, address = step.run, step.address
  if run.cancelling then return settle.step(step, CANCELLED, "cancelled") end
  if address == "" then
    -- Once its first page is applied, the cursor stands beyond it.
    if step.spec.needs ~= "" and step.cursor == 0 then values.replaceInput(run, r.payload) end
  else
    local body = bodies.of(run, address)
    if body.members == 0 then values.put(run, address .. ":input", r.payload) end
    body.members, body.dirty = tonumber(r.members), true
    if r.onFailure == "1" and body.epilogue == "n" then body.epilogue = "w" end
  end
  ready.startEntries(run, r.from, r.to, nil, step.near)
  if r.next ~= "" then
    step.cursor, step.dirty = math.max(step.cursor, tonumber(r.next)), true
  elseif address == "" then
    settle.step(step, SUCCEEDED)
  else
    report.beginBody(step)
  end
end

-- A settled step that is advanced no more shows again what it was handed out for.
apply["v"] = function(step, r)
  lease.finish(step)
  -- It is asked again after a retry by hand.
  if step.run.cancelling then return end
  step.phase = report.phaseByKind(step)
  settle.follow(step, r)
end

local function isStale(step, kind)
  if kind == "v" then return not (step.session and step.phase == ADVANCE) end
  if steps.isSettled(step) or step.state == EXPANDING then return true end
  return kind ~= "s" and not step.session
end

-- Applies a report to the step that its lease is on; answers "a" (accepted) or "s" (stale).
local function applyTo(step, kind, fence, r)
  if not step then return "s" end
  -- The fence of what nobody has taken yet, 0, is nobody's lease.
  local isCurrent = fence ~= "0" and step.fence == fence and not step.run.ended and not isStale(step, kind)
  if isCurrent and apply[kind](step, r) ~= false then return "a" end
  if kind == "f" or kind == "r" then history.keepLate(step, fence, r.reason, r.payload) end
  return "s"
end

-- Applies the report at ARGV[at]; answers "a" or "s", and where the next one begins.
function report.apply(at)
  local kind, id, address, fence, reason, delay, members, onFailure, nextPage, count, rescues = string.match(ARGV[at], HEAD)
  local after = at + 2 + (tonumber(count) or 0)
  local step = report.stepBehind(id, address, count ~= "0" and runs.getForGrant)
  local r = { payload = ARGV[at + 1], reason = reason, delay = delay, members = members, onFailure = onFailure, next = nextPage,
    rescues = rescues, hop = delay == "1", from = at + 2, to = after - 1 }
  return applyTo(step, kind, fence, r), after
end

-- Applies a plain success, with the list of steps that follow.
function report.applySuccess(id, address, fence, output, list)
  local step = report.stepBehind(id, address, #list > 0 and runs.getForGrant)
  return applyTo(step, "s", fence, { payload = output, next = "", rescues = "", from = 1, to = 0, list = list, hop = list.hop })
end
