-- Steps. A record is `<what changes>RS<spec>`; the spec is packed by the client (src/spec.ts) and never changes. Instants
-- are kept as milliseconds since the run's submission, so that the record of a single task stays below 64 bytes.

local CHANGING = "^(.)(.)([^,]*),(%d+),(%d+),(%d+),([^,]*),(%d*),(%d*),(%d*),(%d*),(%d*),([^,]*),([^,]*),(%d*),([^\30]*)\30(.*)$"
local SPEC = "^([^\31]*)\31(.)\31([^\31]*)\31(%d+)\31(.)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31(%d*)\31(.)\31(%d+)\31(%d+)\31(.*)$"

local specs = {}

-- A spec from its text; steps of the same task share theirs.
local function specOf(text)
  local spec = specs[text]
  if spec then return spec end
  local name, kind, owner, parents, trigger, flags, needs, queue, priority, phase, dependents, catchers, reads = string.match(text, SPEC)
  spec = { name = name, kind = kind, owner = owner, parents = tonumber(parents), trigger = trigger, needs = needs, queue = queue,
    priority = priority ~= "" and priority or nil, phase = phase, dependents = tonumber(dependents), catchers = tonumber(catchers),
    reads = reads, stoppable = string.find(flags, "s", 1, true) ~= nil, catches = string.find(flags, "c", 1, true) ~= nil,
    stops = string.find(flags, "t", 1, true) ~= nil, inline = string.find(flags, "i", 1, true) ~= nil }
  specs[text] = spec
  return spec
end

local function instant(text, base)
  return text ~= "" and base + text or nil
end

-- A name that is empty in the spec is the address itself, as it is of all steps outside of maps.
local function isMapped(spec)
  return spec.name ~= ""
end

function steps.adopt(run, address, text)
  local state, phase, reason, fence, tries, lost, session, seq, readyAt, started, ended, due, marks, rescued, cursor, worker, spec =
    string.match(text, CHANGING)
  local base = run.created
  spec = specOf(spec)
  local step = { run = run, address = address, state = state, phase = phase, reason = reason, fence = tonumber(fence),
    tries = tonumber(tries), lost = tonumber(lost), session = session ~= "" and session or nil, seq = tonumber(seq) or 0,
    readyAt = instant(readyAt, base), started = instant(started, base), ended = instant(ended, base), due = instant(due, base),
    marks = marks, rescued = tonumber(rescued) or 0, cursor = tonumber(cursor) or 0, worker = worker, spec = spec,
    specText = string.match(text, "\30(.*)$"), mapped = isMapped(spec) }
  run.steps[address] = step
  return step
end

function steps.get(run, address)
  local known = run.steps[address]
  if known ~= nil then return known or nil end
  local text = call("HGET", bodies.isInner(address) and run.more or run.key, "@" .. address)
  if text then return steps.adopt(run, address, text) end
  run.steps[address] = false
  return nil
end

-- A record for a step that has none.
function steps.add(run, address, specText)
  local spec = specOf(specText)
  local step = { run = run, address = address, state = BLOCKED, phase = spec.phase, reason = "", fence = 0, tries = 0, lost = 0,
    seq = 0, marks = "", rescued = 0, cursor = 0, worker = "", spec = spec, specText = specText, mapped = isMapped(spec),
    dirty = true }
  run.steps[address] = step
  if step.mapped then
    steps.count(step, BLOCKED, 1)
    local order = run.order
    order[#order + 1], order[#order + 2] = 0, address
  end
  return step
end

-- Counts a step of a map's body under its plan name.
function steps.count(step, state, n)
  local counts, name = step.run.counts, "+" .. state .. step.spec.name
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
    local tally = step.run.tally
    tally[state] = (tally[state] or 0) + 1
  end
end

function steps.format(step)
  local base = step.run.created
  return step.state .. step.phase .. step.reason .. "," .. step.fence .. "," .. step.tries .. "," .. step.lost .. ","
    .. (step.session or "") .. "," .. (step.seq == 0 and "" or step.seq) .. "," .. (step.readyAt and step.readyAt - base or "") .. ","
    .. (step.started and step.started - base or "") .. "," .. (step.ended and step.ended - base or "") .. ","
    .. (step.due and step.due - base or "") .. "," .. step.marks .. "," .. (step.rescued == 0 and "" or step.rescued) .. ","
    .. (step.cursor == 0 and "" or step.cursor) .. "," .. step.worker .. RS .. step.specText
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
