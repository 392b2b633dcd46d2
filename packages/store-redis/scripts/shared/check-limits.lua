-- Limits: who has their slots, and where lines stand that are under them. Handlers as in check-session.lua.

local PAGE = 250

-- Who has a slot holds the step's lease.
check.handlers["slots"] = function(name, cursor)
  local key = "slots:" .. name
  local page = call("HSCAN", PREFIX .. key, cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local field, session = page[2][i], string.match(page[2][i + 1], "^[^ ]*")
    local its, member = string.match(field, "^([^|]*)|(.*)$")
    if call("SISMEMBER", PREFIX .. "held:" .. session, member or "") == 0 then
      local run, address = lease.read(member or "")
      if check.tell("slot-stale", run, address, key, its, true) and limits.isOn then
        call("HDEL", PREFIX .. key, field)
        if its then limits.recount(name, its, -1) end
        limits.ringAt(limits.useOf(name, its or "", 1), clock.now)
      end
    end
  end
  return page[1]
end

-- How many slots are taken, against a recount; a limit with more of them than a transition may look at is not recounted.
check.handlers["used"] = function(name)
  if call("HLEN", PREFIX .. "slots:" .. name) > 5000 or call("HLEN", PREFIX .. "used:" .. name) > 5000 then return end
  local counted, recorded = {}, {}
  for _, field in ipairs(call("HKEYS", PREFIX .. "slots:" .. name)) do
    local its = string.match(field, "^[^|]*")
    counted[its] = (counted[its] or 0) + 1
  end
  local found = call("HGETALL", PREFIX .. "used:" .. name)
  for i = 1, #found, 2 do
    recorded[found[i]] = tonumber(found[i + 1])
    counted[found[i]] = counted[found[i]] or 0
  end
  for its, n in pairs(counted) do
    local detail = its .. ": recorded " .. (recorded[its] or 0) .. ", counted " .. n
    if (recorded[its] or 0) ~= n and check.tell("count-slots", nil, nil, "used:" .. name, detail, true) then
      if n > 0 then call("HSET", PREFIX .. "used:" .. name, its, n) else call("HDEL", PREFIX .. "used:" .. name, its) end
    end
  end
end

local function takenApart(name)
  return string.match(name, "^([^:]*):(%d):([^:]*):(.+)$")
end

-- Open lines have entries, and are found by their queue; those of a tenant by way of that.
check.handlers["ring"] = function(id, cursor)
  local queue, priority, needs, tenant = string.match(id, "^([^:]*):(%d):([^:]*):?(.*)$")
  if not queue or not limits.isOn then return check.tell("foreign", nil, nil, "ring:" .. id) end
  local ring = queue .. ":" .. priority .. ":" .. needs
  local member = priority .. ":" .. needs .. (tenant == "" and "" or ":")
  if call("SISMEMBER", PREFIX .. "rings:" .. queue, member) == 0 and check.tell("line-closed", nil, nil, "ring:" .. id, nil, true) then
    call("SADD", PREFIX .. "rings:" .. queue, member)
  end
  if tenant ~= "" and not call("ZSCORE", PREFIX .. "tenants:" .. ring, tenant)
    and check.tell("line-closed", nil, nil, "ring:" .. id, "its tenant takes no turns", true) then
    tenants.open(queue, priority, needs, tenant)
  end
  local page = call("ZSCAN", PREFIX .. "ring:" .. id, cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local isOwn = (tenants.of(page[2][i]) or "") == tenant
    if (not isOwn or call("EXISTS", PREFIX .. "line:" .. ring .. ":" .. page[2][i]) == 0)
      and check.tell("orphan", nil, nil, "ring:" .. id, "an open line without entries", true) then
      call("ZREM", PREFIX .. "ring:" .. id, page[2][i])
    end
  end
  return page[1]
end

-- Who takes turns has an open line.
check.handlers["tenants"] = function(id, cursor)
  local queue, priority, needs = string.match(id, "^([^:]*):(%d):([^:]*)$")
  if not queue or not limits.isOn then return check.tell("foreign", nil, nil, "tenants:" .. id) end
  local member = priority .. ":" .. needs .. ":"
  if call("SISMEMBER", PREFIX .. "rings:" .. queue, member) == 0 and check.tell("line-closed", nil, nil, "tenants:" .. id, nil, true) then
    call("SADD", PREFIX .. "rings:" .. queue, member)
  end
  local page = call("ZSCAN", PREFIX .. "tenants:" .. id, cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    if call("EXISTS", PREFIX .. "ring:" .. id .. ":" .. page[2][i]) == 0
      and check.tell("orphan", nil, nil, "tenants:" .. id, "a tenant without open lines", true) then
      call("ZREM", PREFIX .. "tenants:" .. id, page[2][i])
    end
  end
  return page[1]
end

-- Parked lines have entries, stand nowhere else, and are woken: by a timer, or by the end of an attempt that has a slot.
check.handlers["parked"] = function(id, cursor)
  local key, name, its = "parked:" .. id, string.match(id, "^([^:]*):(.*)$")
  if not name or not limits.isOn then return check.tell("foreign", nil, nil, key) end
  if call("SISMEMBER", PREFIX .. "parkedkeys:" .. name, its) == 0 and check.tell("line-parked", nil, nil, key, "edits would miss it", true) then
    call("SADD", PREFIX .. "parkedkeys:" .. name, its)
  end
  local use = limits.useOf(name, its, 1)
  local isTimed = call("ZSCORE", PREFIX .. "openings", id) or call("ZSCORE", PREFIX .. "openings", name .. "|0")
  local meter = limits.meterOf(use)
  local isWoken = isTimed or limits.roomOf(meter, 1) < 1 and meter.used > 0
  if not isWoken and check.tell("line-parked", nil, nil, key, "nothing would wake it", true) then limits.ringAt(use, clock.now) end
  local page = call("ZSCAN", PREFIX .. key, cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local queue, priority, needs, tuple = takenApart(page[2][i])
    local isOrphan = not queue or call("EXISTS", PREFIX .. "line:" .. page[2][i]) == 0
      or call("ZSCORE", (tenants.ringOf(queue, priority, needs, tuple)), tuple)
    if isOrphan and check.tell("orphan", nil, nil, key, "a line that is not parked", true) then call("ZREM", PREFIX .. key, page[2][i]) end
  end
  return page[1]
end

-- A line under limits is open, or parked on one of them.
function check.limitedLine(name)
  local queue, priority, needs, tuple = takenApart(name)
  if not limits.isOn then return check.tell("foreign", nil, nil, "line:" .. name) end
  local turn = call("ZSCORE", (tenants.ringOf(queue, priority, needs, tuple)), tuple)
  for _, use in ipairs(limits.usesOf(tuple)) do turn = turn or call("ZSCORE", PREFIX .. "parked:" .. limits.idOf(use), name) end
  if not turn and check.tell("line-closed", nil, nil, "line:" .. name, nil, true) then
    limits.open(queue, priority, needs, tuple, clock.nextSeq())
    limits.flushOpened()
    clock.flush()
  end
end
