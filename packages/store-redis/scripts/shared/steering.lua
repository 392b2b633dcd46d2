-- How queues are set. The hash `settings` has a text for each that is set at all: `p,d,version,at,by GS code GS edit`. p and d are 1 where it
-- is paused, and where it is drained. What code and edits say of its policy are lists of parts, `RS name=value` each: what is edited goes
-- before what the code says. Values are JSON; the weight of a key is a part, `w:KEY`. The field `steered` of the clock says that there are any: without it nobody looks.

-- Those of some queues that are not paused.
function steering.unpaused(queues)
  if not clock.steered or #queues == 0 then return queues end
  return steering.notPaused(queues)
end

-- rarely: where any queue is set

local FORM = "^(%d),(%d),(%d+),([^,]*),([^\29]*)\29([^\29]*)\29(.*)$"
local known = {}

-- Reads the settings of some queues, in one look.
local function fetch(queues)
  for from = 1, #queues, 1000 do
    local to = math.min(#queues, from + 999)
    local found = call("HMGET", PREFIX .. "settings", unpack(queues, from, to))
    for i = from, to do known[queues[i]] = found[i - from + 1] or "" end
  end
end

local function settingsOf(queue)
  if not clock.steered then return "" end
  if not known[queue] then fetch({ queue }) end
  return known[queue]
end

function steering.isPaused(queue)
  return string.sub(settingsOf(queue), 1, 1) == "1"
end

-- Those of some queues that are not paused, where any queue is set.
function steering.notPaused(queues)
  fetch(queues)
  local open = {}
  for _, queue in ipairs(queues) do
    if not steering.isPaused(queue) then open[#open + 1] = queue end
  end
  return open
end

-- The name of a part, in a pattern.
local function quoted(part)
  return (string.gsub(part, "[%%%.%-]", "%%%0"))
end

local function partOf(list, part)
  return string.match(list, RS .. quoted(part) .. "=([^" .. RS .. "]*)")
end

-- What is in force of a part of its policy, as JSON; nil where nobody has said anything.
function steering.inForce(queue, part)
  local code, edit = string.match(settingsOf(queue), "\29([^\29]*)\29(.*)$")
  return code and (partOf(edit, part) or partOf(code, part))
end

function steering.isWeighted(queue)
  return steering.inForce(queue, "priority") == '"weighted"'
end

-- What holds for submissions: whether it is drained, and its maximum or nil.
function steering.gateOf(queue)
  return string.sub(settingsOf(queue), 3, 3) == "1", tonumber(steering.inForce(queue, "max"))
end

-- All that is known of it, for who edits it.
function steering.read(queue)
  local paused, draining, version, at, by, code, edit =
    string.match(call("HGET", PREFIX .. "settings", queue) or "0,0,0,,\29\29", FORM)
  return { paused = paused, draining = draining, version = version, at = at, by = by, code = code, edit = edit }
end

-- A list of parts in which one says something else, or nothing where the value is `default`.
function steering.withPart(list, part, value)
  local rest = string.gsub(list, RS .. quoted(part) .. "=[^" .. RS .. "]*", "")
  return value == "default" and rest or rest .. RS .. part .. "=" .. value
end

function steering.says(list, part)
  return partOf(list, part) or "default"
end

-- The weight of a key is a part of its own, `w:KEY`; this takes those away that one has said.
function steering.withoutWeights(list)
  return (string.gsub(list, RS .. "w:[^" .. RS .. "]*", ""))
end

function steering.countWeights(list)
  return select(2, string.gsub(list, RS .. "w:", ""))
end

-- The weights in force, by key.
local function weightsOf(settings)
  local weights = {}
  for key, weight in string.gmatch(settings.code .. settings.edit, RS .. "w:([^=]*)=(%d+)") do weights[key] = weight end
  return weights
end

function steering.weightsOf(queue)
  return weightsOf(steering.read(queue))
end

-- Keeps them where they are looked up: the hash `weights:<queue>`.
local function keepWeights(queue, settings)
  local list = {}
  for key, weight in pairs(weightsOf(settings)) do list[#list + 1], list[#list + 2] = key, weight end
  call("DEL", PREFIX .. "weights:" .. queue)
  callMany("HSET", PREFIX .. "weights:" .. queue, list)
end

function steering.keepWeights(queue)
  keepWeights(queue, steering.read(queue))
end

local function weightsIn(list)
  return string.find(list, RS .. "w:", 1, true)
end

function steering.textOf(settings)
  local each = settings
  return table.concat({ each.paused, each.draining, each.version, each.at, each.by }, ",") .. GS .. each.code .. GS .. each.edit
end

function steering.write(queue, settings)
  local before = call("HGET", PREFIX .. "settings", queue) or ""
  if weightsIn(before) or weightsIn(settings.code) or weightsIn(settings.edit) then keepWeights(queue, settings) end
  known[queue] = steering.textOf(settings)
  call("HSET", PREFIX .. "settings", queue, known[queue])
  call("HSET", KEYS[1], "steered", "1")
  clock.steered = true
  if not steering.isWeighted(queue) then call("HDEL", PREFIX .. "levels", queue) end
end
