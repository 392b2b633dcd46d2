-- Steps. The field `@address` has what changes, `$address` the spec, which the client packs (src/spec.ts). Instants are
-- milliseconds since the run's submission, so that both stay below 64 bytes; like all that is only copied, they stay the text that
-- they were read as.

local CHANGING = "^(.)(.)([^,]*),(%d+),(%d+),(%d+),([^,]*),(%d*),(%d*),(%d*),(%d*),(%d*),([^,]*),([^,]*),(%d*),(.*)$"
local SPEC = "^([^\31]*)\31(.)\31([^\31]*)\31(%d+)\31(.)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31(%d*)\31(.)\31(%d+)\31(%d+)\31(.*)$"

local specs = {}

-- A spec from its text; steps of the same task share theirs.
function steps.specOf(specText)
  local spec = specs[specText]
  if spec then return spec end
  local name, kind, owner, parents, trigger, flags, needs, queue, priority, phase, dependents, catchers, reads = string.match(specText, SPEC)
  spec = { name = name, kind = kind, owner = owner, parents = tonumber(parents), trigger = trigger, needs = needs, queue = queue,
    priority = priority ~= "" and priority or nil, phase = phase, dependents = tonumber(dependents), catchers = tonumber(catchers),
    reads = reads, stoppable = string.find(flags, "s", 1, true) ~= nil, catches = string.find(flags, "c", 1, true) ~= nil,
    stops = string.find(flags, "t", 1, true) ~= nil, inline = string.find(flags, "i", 1, true) ~= nil }
  specs[specText] = spec
  return spec
end

local shared = {}

-- The spec that single tasks of a plan share, in the field $ of the plan; false when there is none.
function steps.sharedSpec(plan)
  local spec = shared[plan]
  if spec == nil then
    spec = call("HGET", PREFIX .. "plan:" .. plan, "$")
    shared[plan] = spec
  end
  return spec
end

-- Makes a spec the one that is shared, where there is none yet; true when it is the one.
function steps.share(plan, specText)
  if not steps.sharedSpec(plan) then
    call("HSET", PREFIX .. "plan:" .. plan, "$", specText)
    shared[plan] = specText
  end
  return shared[plan] == specText
end

-- A step of which no spec is kept has the one that is shared.
function steps.adopt(run, address, record, specText)
  specText = specText or steps.sharedSpec(run.plan or call("HGET", run.key, "p"))
  local state, phase, reason, fence, tries, lost, holder, seq, readyAt, started, ended, due, marks, rescued, cursor, worker =
    string.match(record, CHANGING)
  local spec = steps.specOf(specText)
  local step = { run = run, address = address, state = state, phase = phase, reason = reason, fence = fence, tries = tries,
    lost = lost, session = holder ~= "" and holder, seq = seq, readyAt = readyAt, started = started, ended = ended, due = due,
    marks = marks, rescued = rescued == "" and 0 or tonumber(rescued), cursor = cursor == "" and 0 or tonumber(cursor),
    worker = worker, spec = spec, specText = specText, mapped = bodies.isInner(address), dirty = false }
  run.steps[address] = step
  return step
end

function steps.get(run, address)
  local known = run.steps[address]
  if known ~= nil then return known or nil end
  if run.isFresh then return nil end
  local found = call("HMGET", bodies.isInner(address) and runs.moreKey(run) or run.key, "@" .. address, "$" .. address)
  if found[1] then return steps.adopt(run, address, found[1], found[2]) end
  run.steps[address] = false
  return nil
end

-- A record for a step that has none. A name that is empty in the spec is the address itself, as outside of maps.
function steps.add(run, address, specText)
  local spec = steps.specOf(specText)
  local step = { run = run, address = address, state = BLOCKED, phase = spec.phase, reason = "", fence = "0", tries = "0", lost = "0",
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

-- Counts a step of a map's body under its plan name.
function steps.count(step, state, n)
  local name = step.spec.name
  local counts = own(step.run, "counts")
  name = "+" .. state .. (name == "" and step.address or name)
  counts[name] = (counts[name] or 0) + n
end

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
end

function steps.format(step)
  return step.state .. step.phase .. step.reason .. "," .. step.fence .. "," .. step.tries .. "," .. step.lost .. ","
    .. (step.session or "") .. "," .. step.seq .. "," .. step.readyAt .. "," .. step.started .. "," .. step.ended .. ","
    .. step.due .. "," .. step.marks .. "," .. (step.rescued == 0 and "" or step.rescued) .. ","
    .. (step.cursor == 0 and "" or step.cursor) .. "," .. step.worker
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
