-- What limits there are: what code declares, and what edits make of that. See limits.lua for how it is kept.

local function namesIn(list)
  local names = {}
  for name in string.gmatch(list, "([^=&]+)=[^&]*") do
    -- Those that begin with @ are no limits.
    if string.byte(name) ~= 64 then names[name] = true end
  end
  return names
end

-- From now on all scripts ask.
local function begin()
  call("HSET", KEYS[1], "limited", "1")
end

local function ringAll(name)
  if limits.isOn then limits.ringAll(name) end
end

function limits.find(name)
  local found = call("HGET", PREFIX .. "limits", name)
  if not found then return nil end
  return string.match(found, "^(.)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31?(%d*)$")
end

-- With what it says goes since when.
function limits.keep(name, kind, code, edit, throttled)
  local _, knownCode, knownEdit, _, changed = limits.find(name)
  if code ~= knownCode or edit ~= knownEdit then changed = clock.text end
  call("HSET", PREFIX .. "limits", name, kind .. US .. code .. US .. edit .. US .. (throttled or "") .. US .. changed)
end

local function keepDefault(name, kind, code)
  local knownKind, knownCode, edit, throttled = limits.find(name)
  if knownKind == kind and knownCode == code then return end
  -- An edit of what was another kind of limit says nothing of this one.
  limits.keep(name, kind, code, knownKind == kind and edit or "", throttled)
  ringAll(name)
end

-- Where the rules stand that an edit makes: `+task`, `+@queue` or `+task@queue`; nil for a name that only code can declare.
function limits.targetOf(name)
  local target = string.match(name, "^(.+)%%2Frate$") or string.match(name, "^(.+)%%2Fconcurrency$")
  return target and "+" .. string.gsub(target, "%%40", "@")
end

local function setRules(target, list)
  if list == "" then call("HDEL", PREFIX .. "ruled", target) else call("HSET", PREFIX .. "ruled", target, list) end
end

-- Has a limit that an edit made hold.
function limits.addRule(name)
  local target = limits.targetOf(name)
  local list = call("HGET", PREFIX .. "ruled", target) or ""
  if namesIn(list)[name] then return end
  setRules(target, list .. (list == "" and "" or "&") .. name .. "=0=1")
  begin()
end

function limits.dropRule(name)
  local target = limits.targetOf(name)
  local list = target and call("HGET", PREFIX .. "ruled", target)
  if not list then return end
  local kept = {}
  for rule in string.gmatch(list, "[^&]+") do
    if string.match(rule, "^[^=]+") ~= name then kept[#kept + 1] = rule end
  end
  setRules(target, table.concat(kept, "&"))
end

-- A limit that no code declares any more goes, unless it was edited and can do without.
local function forget(name)
  for _, list in ipairs(call("HVALS", PREFIX .. "ruled")) do
    if namesIn(list)[name] then return end
  end
  local kind, _, edit, throttled = limits.find(name)
  if kind and edit ~= "" and limits.targetOf(name) then
    limits.keep(name, kind, "", edit, throttled)
    limits.addRule(name)
  else
    call("HDEL", PREFIX .. "limits", name)
  end
  ringAll(name)
end

-- Keeps what code says of a task's limits: rules as in `ruled`, and `name=kind:setting` of each, joined by &.
function limits.register(task, list, settings)
  for name, kind, code in string.gmatch(settings, "([^=&]+)=(.):([^&]+)") do keepDefault(name, kind, code) end
  local before = call("HGET", PREFIX .. "ruled", task) or ""
  if before == list then return end
  setRules(task, list)
  local names = namesIn(list)
  for name in pairs(names) do limits.dropRule(name) end
  for name in pairs(namesIn(before)) do
    if not names[name] then forget(name) end
  end
  begin()
end
