-- How queues are set. The hash `settings` has a text for each that is set at all: `p,d,max,code,version,at,by`. p and d are 1 where it is paused,
-- and where it is drained; max is what an edit says, "none", or "" where the code's holds; code is that. The field `steered` of the clock
-- says that there are any: without it nobody looks.

local FORM = "^(%d),(%d),([^,]*),([^,]*),(%d+),([^,]*),(.*)$"
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

-- Those of some queues that are not paused.
function steering.unpaused(queues)
  if not clock.steered or #queues == 0 then return queues end
  fetch(queues)
  local open = {}
  for _, queue in ipairs(queues) do
    if not steering.isPaused(queue) then open[#open + 1] = queue end
  end
  return open
end

-- What holds for submissions: whether it is drained, and its maximum or nil.
function steering.gateOf(queue)
  local _, draining, max, code = string.match(settingsOf(queue), FORM)
  if not draining then return false, nil end
  return draining == "1", tonumber(max == "" and code or max)
end

-- All fields, for who edits them.
function steering.read(queue)
  local paused, draining, max, code, version, at, by =
    string.match(call("HGET", PREFIX .. "settings", queue) or "0,0,,,0,,", FORM)
  return { paused = paused, draining = draining, max = max, code = code, version = version, at = at, by = by }
end

function steering.textOf(settings)
  local each = settings
  return table.concat({ each.paused, each.draining, each.max, each.code, each.version, each.at, each.by }, ",")
end

function steering.write(queue, settings)
  known[queue] = steering.textOf(settings)
  call("HSET", PREFIX .. "settings", queue, known[queue])
  call("HSET", KEYS[1], "steered", "1")
  clock.steered = true
end
