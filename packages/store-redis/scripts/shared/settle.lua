-- How things end. A step settles once; then its follow marks the siblings that wait for it, page by page; after the last page it
-- counts for its owner; and when all members of a body have counted, the owner settles, and so on up to the run.

-- How many catchers have succeeded, for a failure that is definite: none will change it.
local DEFINITE = -1

-- Settles a step. Without a follow, some worker is asked for it, unless nothing can follow. Output or error are kept already.
function settle.step(step, outcome, reason, follow)
  if step.phase == RUN and not take.isLeaving then step.ranBy = step.session end
  lease.finish(step)
  steps.move(step, outcome, reason)
  step.seq, step.due, step.ended = "", "", step.run.age
  local run, spec = step.run, step.spec
  -- A run that is being cancelled releases nobody; it ends when its last lease does. A retry by hand asks then what follows.
  if run.cancelling then
    if step.address ~= "" then step.phase, step.cursor = ADVANCE, 0 end
    return
  end
  if outcome == FAILED and spec.catchers == 0 then settle.makeDefinite(step) end
  if epilogue.is(step) then
    settle.endBody(run, spec.owner)
  elseif step.address == "" then
    -- The step that starts what a submission's first page could not hold: without it the run has not all its steps.
    if outcome == FAILED then settle.endRun(run, FAILED) else settle.endBodyIfDone(run, "") end
  elseif follow then
    settle.follow(step, follow)
  elseif spec.dependents == 0 and not spec.catches then
    settle.countMember(step)
  else
    ready.requestAdvance(step, 0)
  end
end

-- Applies a page of what follows a settled step: { rescues, next }, and either { from, to } (the specs are ARGV[from] to ARGV[to]) or
-- { list } (see report.successors).
function settle.follow(step, follow)
  if follow.rescues ~= "" then
    for _, parent in ipairs(splitBy(follow.rescues, GS)) do settle.rescue(step.run, parent, step.state == SUCCEEDED) end
  end
  for _, each in ipairs(follow.list or NONE) do settle.mark(step, each.address, each.text, follow.hop) end
  for i = follow.from, follow.to do
    local address, spec = string.match(ARGV[i], "^([^\30]*)\30(.*)$")
    settle.mark(step, address, spec, follow.hop)
  end
  if follow.next == "" then settle.countMember(step) else ready.requestAdvance(step, tonumber(follow.next)) end
end

-- The trigger table of core's trigger.ts: what becomes of a step, from how its parents have settled.
local function judge(trigger, succeeded, failed, skipped, cancelled)
  if trigger == "D" then return RUNNING end
  if trigger == "C" then return failed > 0 and RUNNING or SKIPPED end
  if failed + cancelled > 0 then return CANCELLED end
  if trigger == "N" or skipped == 0 then return RUNNING end
  return SKIPPED
end

-- After a retry by hand a parent may end once more. What has begun since it first did goes on; a catcher's success still helps.
local function meetAgain(parent, step)
  local hasTold = step.phase ~= ADVANCE or step.cursor > 0
  if parent.state ~= FAILED or not step.spec.catches or step.state ~= SUCCEEDED or not hasTold then return end
  if parent.rescued ~= DEFINITE and parent.rescued < parent.spec.catchers then parent.rescued = parent.rescued + 1 end
  parent.dirty = true
end

-- Tells a step how one of its parents has settled; the last one has it judged.
function settle.mark(parent, address, specText, hop)
  local run, outcome = parent.run, parent.state
  -- The only child of one parent is met here for the first time, unless that was taken more than once: it may have run before.
  local isFirst = (parent.fence == "1" or parent.fence == "0") and string.find(specText, "^[^\31]*\31.\31[^\31]*\0311\31")
  local step = not isFirst and steps.get(run, address) or steps.add(run, address, specText)
  if step.state ~= BLOCKED then return meetAgain(parent, step) end
  local s, f, k, c = 0, 0, 0, 0
  if step.marks ~= "" then
    s, f, k, c = string.match(step.marks, "(%d+)%.(%d+)%.(%d+)%.(%d+)")
    s, f, k, c = tonumber(s), tonumber(f), tonumber(k), tonumber(c)
  end
  if outcome == SUCCEEDED then s = s + 1 elseif outcome == FAILED then f = f + 1 elseif outcome == SKIPPED then k = k + 1 else c = c + 1 end
  step.dirty = true
  local spec = step.spec
  -- A retry by hand has to know of all but successes.
  step.marks = s == spec.parents and "" or s .. "." .. f .. "." .. k .. "." .. c
  if s + f + k + c < spec.parents then return end
  local verdict = judge(spec.trigger, s, f, k, c)
  if spec.sticky then sticky.stickTo(step, parent) end
  if verdict ~= RUNNING then
    settle.step(step, verdict, "parent")
  elseif run.stopped and spec.stoppable then
    ready.release(step)
  elseif not (spec.inline and not hop and spec.phase == RUN and take.takeInline and take.takeInline(step)) then
    ready.make(step)
  end
end

-- A catcher has settled: its success helps a failed parent, anything else makes that failure definite.
function settle.rescue(run, address, succeeded)
  local parent = steps.get(run, address)
  if not parent or parent.state ~= FAILED or parent.rescued == DEFINITE then return end
  if succeeded then parent.rescued = parent.rescued + 1 else settle.makeDefinite(parent) end
  parent.dirty = true
end

-- A failure that nobody rescues: it counts in its owner, and may stop the run.
function settle.makeDefinite(step)
  local run, spec = step.run, step.spec
  step.rescued = DEFINITE
  if spec.kind == "t" then letters.add(step) end
  if epilogue.is(step) then return end
  local body = bodies.of(run, spec.owner)
  body.failed, body.dirty = body.failed + 1, true
  if body.failed == 1 then values.put(run, spec.owner .. ":failure", settle.failureOf(step)) end
  if spec.stops and run.mode == "s" and not run.stopped then run.stopped, run.dirty = true, true end
end

-- What failed, and how: of a body its own first failure, else the step itself. The error is spliced in as it came.
function settle.failureOf(step)
  local inner = step.reason == "body" and values.get(step.run, step.address .. ":failure")
  if inner then return inner end
  local address = string.gsub(step.address, "%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  return '{"step":' .. cjson.encode(address) .. ',"error":' .. (values.get(step.run, step.address .. ":error") or "null") .. "}"
end

-- True for a step whose end has its body end as cancelled, unless that failed.
function settle.halts(step)
  local reason = step.reason
  return step.state == CANCELLED and (reason == "stopped" or reason == "body" or reason == "obliterated")
end

-- A settled step has told all its siblings: one member less to wait for.
function settle.countMember(step)
  local owner = step.spec.owner
  local body = bodies.of(step.run, owner)
  body.settled, body.dirty = body.settled + 1, true
  if settle.halts(step) then body.halted = body.halted + 1 end
  if step.spec.laid then shares.countWait(step, owner) end
  settle.endBodyIfDone(step.run, owner)
end

-- True for a run without steps whose input is still to be parsed; one that has steps waits for those anyway.
function settle.isOpening(run)
  local opening = run.body.members == 0 and steps.get(run, "")
  return opening and not steps.isSettled(opening)
end

-- Ends a body when all its members have counted: its onFailure body first, then its owner.
function settle.endBodyIfDone(run, owner)
  local body = bodies.of(run, owner)
  if body.settled < body.members or run.ended or run.cancelling then return end
  if owner == "" then
    if settle.isOpening(run) then return end
  else
    local step = steps.get(run, owner)
    if not step or step.state ~= EXPANDING then return end
  end
  if body.failed > 0 and body.epilogue == "w" then
    body.epilogue, body.dirty = "r", true
    epilogue.start(run, owner)
  elseif body.epilogue ~= "r" then
    settle.endBody(run, owner)
  end
end

function settle.endBody(run, owner)
  local body = bodies.of(run, owner)
  if body.epilogue == "r" then body.epilogue, body.dirty = "o", true end
  local outcome = body.failed > 0 and FAILED or body.halted > 0 and CANCELLED or SUCCEEDED
  if owner == "" then
    settle.endRun(run, outcome)
    return
  end
  local step = steps.get(run, owner)
  -- The owner may have been given up while its members ran on.
  if steps.isSettled(step) then return end
  if outcome == SUCCEEDED then values.putOutput(step, step.spec.kind == "m" and tostring(bodies.of(run, owner).count) or "null") end
  settle.step(step, outcome, outcome ~= SUCCEEDED and "body" or nil)
end
