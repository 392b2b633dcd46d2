-- What a retry by hand makes of one step of an ended run. Each record is changed for itself, whatever the order:
--
-- - Of a step's marks only successes count on. Every parent that ended otherwise either runs again, or says again how it ended.
-- - So a step that is to run again is ready where all its parents succeeded, else blocked until they have told it.
-- - Whatever counts for a body is taken out of its counts again, so no body can end before all of it has settled.
--
-- Nothing is put into a line here: see retry.lua.

-- True for a step that failed for good by itself, where a retry is about others. What ran because a parent failed is judged anew.
-- `run.only` says what it is about: `s` and an address or plan name, `l` and a filter of letters, or a rerun as in rerun.lua.
local function isLeftOut(step)
  local only = step.run.only
  if not only or step.rescued ~= -1 or step.reason == "body" or step.marks ~= "" then return false end
  local what = string.sub(only, 2)
  if string.sub(only, 1, 1) == "r" then return true end
  if string.sub(only, 1, 1) == "s" then return step.address ~= what and step.spec.name ~= what end
  return not letters.fit(step, what)
end

-- A success; a failure that was rescued, or that the retry is not about; a step that was skipped, unless a parent may end otherwise this
-- time. Nothing that a rerun takes back.
local function isKept(step)
  local state, catchers = step.state, step.spec.catchers
  if retry.fateOf(step) then return false end
  if retry.isCaughtAnew(step) then return true end
  if state == FAILED then return catchers > 0 and step.rescued == catchers or isLeftOut(step) end
  return state == SUCCEEDED or state == SKIPPED and step.marks == ""
end

-- True while the body below an owner goes on: no owner around it has an end that is kept.
local function goesOn(run, owner)
  if owner == "" then return true end
  local step = steps.get(run, owner)
  return step ~= nil and not epilogue.is(step) and not isKept(step) and goesOn(run, step.spec.owner)
end

-- True for a step that a retry may have run again, or whose body it may have go on.
function retry.isToGoOn(step)
  return not epilogue.is(step) and not isKept(step) and goesOn(step.run, step.spec.owner)
end

-- What was said to have failed first may run again: then a failure that is left out is what its body fails of.
local function failFor(step)
  local run, owner = step.run, step.spec.owner
  run.failures = run.failures or {}
  if run.failures[owner] then return end
  run.failures[owner] = true
  local failure = settle.failureOf(step)
  values.drop(run, owner .. ":failure")
  values.put(run, owner .. ":failure", failure)
end

-- One member more or less that has settled; onFailure bodies, and what stands for the rest of a submission, are none.
local function count(step, n)
  if step.address == "" or epilogue.is(step) then return end
  local body = bodies.of(step.run, step.spec.owner)
  body.settled, body.dirty = body.settled + n, true
  if settle.halts(step) then body.halted = body.halted + n end
end

-- What has not ended in a body that is over never will: it is cancelled, and nothing follows.
local function bury(step)
  local isSettled = steps.isSettled(step)
  if isSettled and step.phase ~= ADVANCE then return end
  if isSettled then step.phase = report.phaseByKind(step) else steps.move(step, CANCELLED, "cancelled") end
  step.seq, step.dirty = "", true
  count(step, 1)
end

-- What follows a success is known, but for what nobody has told yet. Any other end is told once more, from the beginning.
local function tellAgain(step)
  local isSuccess = step.state == SUCCEEDED
  if step.phase ~= ADVANCE then
    if isSuccess or step.spec.dependents == 0 then return end
    count(step, -1)
    step.phase = ADVANCE
  end
  if not isSuccess then step.cursor = 0 end
  step.seq, step.dirty = "", true
end

-- Takes what is no success out of a step's marks; true when there was anything.
local function forgetMarks(step)
  local s, f, k, c = string.match(step.marks, "(%d+)%.(%d+)%.(%d+)%.(%d+)")
  if not s or f + k + c == 0 then return false end
  step.marks, step.dirty = s == "0" and "" or s .. ".0.0.0", true
  return true
end

-- An onFailure body that has begun does not begin again, so nobody waits for it.
local function endEpilogue(step)
  local body = bodies.of(step.run, step.address)
  if body.epilogue == "r" then body.epilogue, body.dirty = "o", true end
end

-- Takes a settled step out of all that it was counted in.
local function uncount(step)
  if not steps.isSettled(step) then return end
  if step.phase ~= ADVANCE then count(step, -1) end
  if step.rescued == -1 then retry.takeFromFailures(step) end
end

-- A map that was not laid out to its end begins anew with its list; what has a record is left alone then.
local function layOutAgain(step)
  local body = bodies.of(step.run, step.address)
  if body.count then body.count, body.dirty = nil, true end
end

-- Has a step run again, or the body of a map or an inlined dag go on.
local function restart(step, to)
  local hasBody
  if to then hasBody = to == EXPANDING else hasBody = step.reason == "body" end
  uncount(step)
  if step.rescued == -1 and step.spec.kind == "t" then letters.drop(step.run.id, step.address) end
  if step.state == FAILED or step.tries ~= "0" or step.lost ~= "0" then values.drop(step.run, step.address .. ":error") end
  steps.move(step, to or hasBody and EXPANDING or forgetMarks(step) and BLOCKED or READY)
  step.phase = hasBody and report.phaseByKind(step) or step.spec.phase
  step.fence, step.tries, step.lost, step.rescued, step.seq = text(step.fence + 1), "0", "0", 0, ""
  step.readyAt, step.started, step.ended, step.due = "", "", "", ""
  -- Its input is the same, but the code that says the keys of its limits may be another.
  step.uses = nil
  if not hasBody and step.spec.kind == "m" then layOutAgain(step) end
  -- The step that stands for the rest of a submission goes on where it was.
  if step.address ~= "" then step.cursor = 0 end
end

-- Has a step run again whatever came of it, or wait again for those that do.
local function takeBack(step, fate)
  retry.forgetResult(step)
  if fate == "waits" then step.marks = retry.keptMarks(step) end
  restart(step, (fate == "waits" or forgetMarks(step)) and BLOCKED or READY)
end

-- An inlined dag that had succeeded goes on, because a step in its body runs again.
local function goOn(step)
  values.drop(step.run, step.address)
  restart(step, EXPANDING)
end

function retry.reopen(step)
  local fate = retry.fateOf(step)
  if fate == "goes" then return retry.forgetStep(step) end
  if epilogue.is(step) or not goesOn(step.run, step.spec.owner) then
    bury(step)
  elseif fate == "runs" or fate == "waits" then
    takeBack(step, fate)
  elseif isKept(step) then
    if retry.isCaughtAnew(step) then
      retry.undecide(step)
    elseif step.state == FAILED and step.rescued == -1 then
      failFor(step)
    end
    tellAgain(step)
  elseif step.state == BLOCKED then
    forgetMarks(step)
  elseif step.state == EXPANDING then
    endEpilogue(step)
  elseif step.state == SUCCEEDED then
    goOn(step)
  else
    restart(step)
  end
end
