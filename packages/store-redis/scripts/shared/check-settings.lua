-- How queues are set: what steering.lua keeps of them. Handlers as in check-session.lua.

local PAGE = 250
-- core's QUEUE_MAX_LIMIT.
local MAX_LIMIT = 1000000000

local function isMax(value)
  return string.find(value, "^[1-9]%d*$") ~= nil and tonumber(value) <= MAX_LIMIT
end

-- What a part of a policy may be, as JSON, by what core's queue-policy.ts lets through.
local forms = {
  max = function(value, isEdit) return isMax(value) or isEdit and value == '"none"' end,
  priority = function(value) return value == '"strict"' or value == '"weighted"' end,
}

-- The parts of a list that make sense, and those of which nothing is known here; and how many others there are.
local function soundParts(list, isEdit)
  local all = splitBy(list, RS)
  local sound, broken = "", all[1] == "" and 0 or 1
  for i = 2, #all do
    local part, value = string.match(all[i], "^(%w+)=(.+)$")
    local form = part and forms[part]
    local isSound = part and (form and form(value, isEdit) or not form and pcall(cjson.decode, value))
    if isSound then sound = sound .. RS .. all[i] else broken = broken + 1 end
  end
  return sound, broken
end

-- What is left of a queue's settings, and how much of them cannot be read.
local function soundSettings(kept)
  local head, code, edit = string.match(kept, "^([^\29]*)\29([^\29]*)\29([^\29]*)$")
  local flags, by = string.match(head or "", "^([01],[01],%d+,%d*),([^,]*)$")
  if not flags then return "", 1 end
  local sound, n = soundParts(code, false)
  local edited, m = soundParts(edit, true)
  local isRead = check.isText(by)
  return flags .. "," .. (isRead and by or "") .. GS .. sound .. GS .. edited, n + m + (isRead and 0 or 1)
end

check.handlers["settings"] = function(_, cursor)
  local page = call("HSCAN", PREFIX .. "settings", cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local queue, left, broken = page[2][i], "", 1
    if check.isText(queue) then left, broken = soundSettings(page[2][i + 1]) end
    if broken > 0 and check.tell("settings-broken", nil, nil, "settings", string.sub(queue, 1, 60), true) then
      if left == "" then call("HDEL", PREFIX .. "settings", queue) else call("HSET", PREFIX .. "settings", queue, left) end
    end
  end
  if not clock.steered and check.tell("settings-unheeded", nil, nil, "clock", nil, true) then
    call("HSET", KEYS[1], "steered", "1")
    clock.steered = true
  end
  return page[1]
end
