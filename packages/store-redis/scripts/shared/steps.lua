-- Steps. The field `@address` has what changes, `$address` the spec where it is not the one that its plan's runs share. Instants are
-- milliseconds since the run's submission, so that both stay below 64 bytes; like all that is only copied, they stay the text that
-- they were read as. Behind the worker stands, where there is any, what the step keeps of its limits (see limits.lua), and behind that the worker that it sticks to (see sticky.lua).

local CHANGING = "^(.)(.)([^,]*),(%d+),(%d+),(%d+),([^,]*),(-?%d*),(%d*),(%d*),(%d*),(%d*),([^,]*),([^,]*),(%d*),(.*)$"

-- A step of which no spec is kept has the one that all runs of its plan share, or follows a template of theirs, whose name stands behind FS;
-- nil where that is gone.
function steps.adopt(run, address, record, specText)
  local template
  if string.find(record, FS, 1, true) then
    record, template = string.match(record, "^(.*)\28(.*)$")
    specText = specText or specs.ofTemplate(runs.planOf(run), template, address)
  end
  specText = specText or specs.shared(runs.planOf(run), address)
  if not specText then return nil end
  local state, phase, reason, fence, tries, lost, holder, seq, readyAt, started, ended, due, marks, rescued, cursor, worker =
    string.match(record, CHANGING)
  local spec = specs.parse(specText)
  local uses, near
  if string.find(worker, US, 1, true) then
    worker, uses, near = string.match(worker, "^([^\31]*)\31([^\31]*)\31?(.*)$")
    if uses == "" then uses = nil end
    if near == "" then near = nil end
  end
  local step = { run = run, address = address, state = state, uses = uses, near = near, phase = phase, reason = reason, fence = fence, tries = tries,
    lost = lost, session = holder ~= "" and holder, seq = seq, readyAt = readyAt, started = started, ended = ended, due = due,
    marks = marks, rescued = rescued == "" and 0 or tonumber(rescued), cursor = cursor == "" and 0 or tonumber(cursor),
    worker = worker, spec = spec, specText = specText, template = template, mapped = bodies.isInner(address), dirty = false }
  run.steps[address] = step
  return step
end

function steps.get(run, address)
  local known = run.steps[address]
  if known ~= nil then return known or nil end
  if run.isFresh then return nil end
  local record = run.records[address]
  if record then return steps.adopt(run, address, record) end
  local found = record == nil and call("HMGET", bodies.isInner(address) and runs.moreKey(run) or run.key, "@" .. address, "$" .. address)
  if found and found[1] then return steps.adopt(run, address, found[1], found[2]) end
  run.steps[address] = false
  return nil
end

-- A record for a step that has none. A name that is empty in the spec is the address itself, as outside of maps.
function steps.add(run, address, specText)
  local spec = specs.parse(specText)
  local step = { run = run, address = address, state = BLOCKED, phase = spec.phase, reason = "", fence = text(run.fences), tries = "0", lost = "0",
    session = false, seq = "", readyAt = "", started = "", ended = "", due = "", marks = "", rescued = 0, cursor = 0, worker = "",
    spec = spec, specText = specText, mapped = bodies.isInner(address), dirty = true, isFresh = true }
  run.steps[address] = step
  if step.mapped then
    steps.count(step, BLOCKED, 1)
    local order = own(run, "order")
    local n = #order
    order[n + 1], order[n + 2] = 0, address
  end
  return step
end

-- Takes a record away; what hangs on it otherwise is left.
function steps.remove(step)
  local run, address = step.run, step.address
  call("HDEL", step.mapped and runs.moreKey(run) or run.key, "@" .. address, "$" .. address)
  if step.mapped then
    steps.count(step, step.state, -1)
    call("ZREM", PREFIX .. "order:" .. run.id, address)
  end
  run.steps[address] = false
end

-- Counts a step of a map's body under its plan name.
function steps.count(step, state, n)
  local name = step.spec.name
  local counts = own(step.run, "counts")
  name = "+" .. state .. (name == "" and step.address or name)
  counts[name] = (counts[name] or 0) + n
end

-- What is told of a step that is told of one by one, when it comes to a state.
local NEWS = { [RUNNING] = "x", [SUCCEEDED] = "v", [FAILED] = "f", [SKIPPED] = "k", [CANCELLED] = "n" }

-- Moves a step to another state.
function steps.move(step, state, reason)
  if step.mapped then
    steps.count(step, step.state, -1)
    steps.count(step, state, 1)
  end
  step.state, step.reason, step.dirty = state, reason or "", true
  if state ~= READY and state ~= BLOCKED then
    local tally = own(step.run, "tally")
    tally[state] = (tally[state] or 0) + 1
  end
  if step.spec.each and NEWS[state] then events.add(step.run, NEWS[state], step.address, reason) end
end

function steps.format(step)
  return step.state .. step.phase .. step.reason .. "," .. step.fence .. "," .. step.tries .. "," .. step.lost .. ","
    .. (step.session or "") .. "," .. step.seq .. "," .. step.readyAt .. "," .. step.started .. "," .. step.ended .. ","
    .. step.due .. "," .. step.marks .. "," .. (step.rescued == 0 and "" or step.rescued) .. ","
    .. (step.cursor == 0 and "" or step.cursor) .. "," .. step.worker .. (step.uses and US .. step.uses or step.near and US or "")
    .. (step.near and US .. step.near or "") .. (step.template and FS .. step.template or "")
end

function steps.isSettled(step)
  local state = step.state
  return state == SUCCEEDED or state == FAILED or state == SKIPPED or state == CANCELLED
end

-- What a session has to serve in order to be handed a step as it is now. Saying what follows needs nothing but the plan.
function steps.needsOf(step)
  if step.phase == ADVANCE then return "" end
  local needs = step.spec.needs
  return needs == "=" and step.address or needs
end

function steps.priorityOf(step)
  return step.spec.priority or step.run.priority
end
