-- Roles: their edits, how much they may run at once, and who plays them. Handlers as in check-session.lua.

local PAGE = 250

local function isName(name)
  return #name <= 128 and string.find(name, "^[%w._-]+$") ~= nil
end

-- What core's role-edit.ts lets through.
local function areQueues(queues)
  local seen = {}
  for _, each in ipairs(splitBy(queues, "&")) do
    local name, weight = string.match(each, "^([^=]*)=([%d%.e+-]+)$")
    weight = tonumber(weight or "")
    if not weight or weight < 0.001 or weight > 1000000 or not isName(name) or seen[name] then return false end
    seen[name] = true
  end
  return true
end

-- The version of an edit that is as scripts/set-role.lua writes one, and is older than another; nil where it is not.
local function versionOf(edit, newer)
  local version, at, by, queues, cap = string.match(edit, "^(%d+)\31(%d+)\31([^\31]*)\31([^\31]*)\31([^\31]*)$")
  version = tonumber(version or "")
  if not version or version < 1 or newer and version >= newer or not check.isText(by) then return nil end
  if queues ~= "" and not areQueues(queues) then return nil end
  if cap ~= "" and (queues == "" or not string.find(cap, "^[1-9]%d*$") or tonumber(cap) > 1000000) then return nil end
  return version, cap
end

local function put(key, field, value)
  if value == "" then call("HDEL", PREFIX .. key, field) else call("HSET", PREFIX .. key, field, value) end
end

-- How much a role may run at once is kept where exchanges look for it.
local function checkCap(role, cap)
  local kept = call("HGET", PREFIX .. "caps", role) or ""
  local detail = role .. ": kept " .. (kept == "" and "none" or kept) .. ", edited " .. (cap == "" and "none" or cap)
  if kept ~= cap and check.tell("role-uncapped", nil, nil, "caps", detail, true) then put("caps", role, cap) end
  if cap ~= "" and not clock.isCapped and check.tell("role-uncapped", nil, nil, "clock", "nobody looks for it", true) then
    call("HSET", KEYS[1], "capped", "1")
  end
end

check.handlers["roles"] = function(_, cursor)
  local page = call("HSCAN", PREFIX .. "roles", cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local role, edits, newest, newer = page[2][i], {}, "", nil
    local all = isName(role) and splitBy(page[2][i + 1], RS) or NONE
    for _, edit in ipairs(all) do
      local version, cap = versionOf(edit, newer)
      if version then
        edits[#edits + 1], newer = edit, version
        if #edits == 1 then newest = cap end
      end
    end
    local broken = all == NONE and 1 or #all - #edits
    if broken > 0 and check.tell("role-broken", nil, nil, "roles", string.sub(role, 1, 60) .. ": " .. broken .. " of its edits", true) then
      put("roles", role, table.concat(edits, RS))
    end
    checkCap(role, newest)
  end
  return page[1]
end

check.handlers["caps"] = function(_, cursor)
  local page = call("HSCAN", PREFIX .. "caps", cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local role = page[2][i]
    if call("HEXISTS", PREFIX .. "roles", role) == 0 and check.tell("orphan", nil, nil, "caps", role, true) then
      call("HDEL", PREFIX .. "caps", role)
    end
  end
  return page[1]
end

-- Who plays a role, and may hold steps.
check.handlers["role"] = function(role, cursor)
  local page = call("SSCAN", PREFIX .. "role:" .. role, cursor, "COUNT", PAGE)
  for _, id in ipairs(page[2]) do
    local known = call("HMGET", PREFIX .. "session:" .. id, "state", "role")
    local plays = known[1] and known[1] ~= "over" and known[2] == role
    if not plays and check.tell("orphan", nil, nil, "role:" .. role, id, true) then call("SREM", PREFIX .. "role:" .. role, id) end
  end
  return page[1]
end

-- Leases on control work are not counted as what a role runs.
check.handlers["control"] = function(id, cursor)
  local key = "control:" .. id
  local page = call("SSCAN", PREFIX .. key, cursor, "COUNT", PAGE)
  for _, member in ipairs(page[2]) do
    local run, address, fence = lease.read(member)
    if call("SISMEMBER", PREFIX .. "held:" .. id, member) == 0 then
      if check.tell("orphan", run, address, key, "the session does not hold the step", true) then call("SREM", PREFIX .. key, member) end
    else
      local isHeld, step = check.isHeldBy(id, run, address, fence)
      if isHeld and step and step.phase == RUN and check.tell("lease-mistaken", run, address, key, nil, true) then
        call("SREM", PREFIX .. key, member)
      end
    end
  end
  return page[1]
end
