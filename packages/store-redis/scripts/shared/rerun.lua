-- What a rerun takes back. In `run.only` it is `r`, then parts with RS between: the step that runs again · its fence, as its caller has read
-- it · the inlined dags around it · what comes after, each as `address US parent US place…` with its parents that are kept, and at which
-- place it stands among those that wait for each · plan names of what lies inside · failures that are undecided again. Lists have GS between.

local DEFINITE = -1

local function listOf(text)
  return text == "" and NONE or splitBy(text, GS)
end

-- The parts, to be looked up; nil where a retry is no rerun.
local function takenBack(run)
  if not run.only or string.sub(run.only, 1, 1) ~= "r" then return nil end
  if run.takenBack then return run.takenBack end
  local root, fence, around, after, inside, caught = unpack(splitBy(string.sub(run.only, 2), RS))
  local taken = { root = root, fence = tonumber(fence), fates = {}, kept = {}, caught = {} }
  for _, name in ipairs(listOf(inside)) do taken.fates[name] = "goes" end
  for _, name in ipairs(listOf(around)) do taken.fates[name] = "goes-on" end
  for _, each in ipairs(listOf(after)) do
    local name, parents = string.match(each, "^([^\31]*)\31?(.*)$")
    taken.fates[name], taken.kept[name] = "waits", parents
  end
  taken.fates[root] = "runs"
  for _, address in ipairs(listOf(caught)) do taken.caught[address] = true end
  run.takenBack = taken
  return taken
end

-- What a rerun makes of the step at an address: it runs again, waits again, goes on with its body, or is taken away. Nil: none of these.
function retry.fateAt(run, address)
  local taken = takenBack(run)
  return taken and taken.fates[(string.gsub(address, "%[%d+%]", ""))]
end

function retry.fateOf(step)
  return retry.fateAt(step.run, step.address)
end

-- True for a failure that is kept, and of which a catcher runs again.
function retry.isCaughtAnew(step)
  local taken = step.state == FAILED and takenBack(step.run)
  return taken and taken.caught[step.address] == true
end

-- A failure that was definite is so no more.
function retry.takeFromFailures(step)
  local owner = step.spec.owner
  local body = bodies.of(step.run, owner)
  body.failed, body.dirty = body.failed - 1, true
  if body.failed == 0 then values.drop(step.run, owner .. ":failure") end
end

-- Such a failure is undecided, until its catchers have settled.
function retry.undecide(step)
  if step.rescued == DEFINITE then
    retry.takeFromFailures(step)
    letters.drop(step.run.id, step.address)
  end
  step.rescued, step.dirty = 0, true
end

-- The marks that a step has of its parents that are kept. All but successes are told again.
function retry.keptMarks(step)
  local n = 0
  for address, place in string.gmatch(takenBack(step.run).kept[step.address], "([^\31]+)\31(%d+)") do
    local parent = steps.get(step.run, address)
    local hasTold = parent and (parent.phase ~= ADVANCE or parent.cursor > tonumber(place))
    if hasTold and parent.state == SUCCEEDED then n = n + 1 end
  end
  return n > 0 and n .. ".0.0.0" or ""
end

-- The keys of what came of a step, and of what its body was given and counted.
local function resultKeys(address)
  return { address, address .. ":input", address .. ":failure", address .. ":spread" }
end

-- Forgets what came of a step that runs or waits again, and its body.
function retry.forgetResult(step)
  if step.state == SUCCEEDED and step.spec.kind == "t" then history.keepTakenBack(step) end
  values.dropAll(step.run, resultKeys(step.address))
  step.dirty = true
  if step.spec.kind ~= "t" then bodies.remove(step.run, step.address) end
end

-- Takes a step away that lies in a body that is laid out anew, if it is. Attempts that did not succeed stay in its history.
function retry.forgetStep(step)
  local run, address, owner = step.run, step.address, step.spec.owner
  if step.rescued == DEFINITE and step.spec.kind == "t" then letters.drop(run.id, address) end
  local keys = resultKeys(address)
  keys[#keys + 1], keys[#keys + 2] = address .. ":error", address .. ":edited"
  -- Each element of a map has at least one step that its body begins with.
  local index = string.sub(owner, -2) == "[]" and string.match(address, "^.*%[(%d+)%]")
  if index then keys[#keys + 1] = owner .. ":" .. index end
  values.dropAll(run, keys)
  run.fences, run.dirty = math.max(run.fences, step.fence + 1), true
  bodies.remove(run, address)
  steps.remove(step)
end

-- Why no rerun can begin with a step; `retried` where it was done before.
function retry.refusalOfRerun(run)
  local taken = takenBack(run)
  local step = steps.get(run, taken.root)
  if not step then return "step-unknown" end
  if tonumber(step.fence) > taken.fence then return "retried" end
  if step.state ~= SUCCEEDED and not (steps.isSettled(step) and step.reason == "body") then return "step-not-succeeded" end
  if not retry.isToGoOn(step) then return "step-kept" end
end
