-- Limits: who has their slots, and where lines stand that are under them. Handlers as in check-session.lua.

local PAGE = 250

-- Who has a slot holds the step's lease.
check.handlers["slots"] = function(id, cursor)
  local key = "slots:" .. id
  local page = call("HSCAN", PREFIX .. key, cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local member, session = page[2][i], page[2][i + 1]
    if call("SISMEMBER", PREFIX .. "held:" .. session, member) == 0 then
      local run, address = lease.read(member)
      if check.tell("slot-stale", run, address, key, nil, true) then
        call("HDEL", PREFIX .. key, member)
        local name, its = string.match(id, "^([^:]*):(.*)$")
        if limits.isOn then limits.ringAt({ name = name, key = its, id = id }, clock.now) end
      end
    end
  end
  return page[1]
end

local function takenApart(name)
  return string.match(name, "^([^:]*):(%d):([^:]*):(.+)$")
end

-- Open lines have entries, and are found by their queue.
check.handlers["ring"] = function(id, cursor)
  local queue, member = string.match(id, "^([^:]*):(%d:.*)$")
  if not queue then return check.tell("foreign", nil, nil, "ring:" .. id) end
  if call("SISMEMBER", PREFIX .. "rings:" .. queue, member) == 0 and check.tell("line-closed", nil, nil, "ring:" .. id, nil, true) then
    call("SADD", PREFIX .. "rings:" .. queue, member)
  end
  local page = call("ZSCAN", PREFIX .. "ring:" .. id, cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    if call("EXISTS", PREFIX .. "line:" .. id .. ":" .. page[2][i]) == 0
      and check.tell("orphan", nil, nil, "ring:" .. id, "an open line without entries", true) then
      call("ZREM", PREFIX .. "ring:" .. id, page[2][i])
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
  local use = { name = name, key = its, id = id, cost = 1 }
  local isTimed = call("ZSCORE", PREFIX .. "timers", "000000000000000||" .. id) or call("ZSCORE", PREFIX .. "timers", "000000000000000||" .. name .. "|0")
  local meter = limits.meterOf(use)
  local isWoken = isTimed or limits.roomOf(meter, 1) < 1 and meter.used > 0
  if not isWoken and check.tell("line-parked", nil, nil, key, "nothing would wake it", true) then limits.ringAt(use, clock.now) end
  local page = call("ZSCAN", PREFIX .. key, cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local queue, priority, needs, tuple = takenApart(page[2][i])
    local isOrphan = not queue or call("EXISTS", PREFIX .. "line:" .. page[2][i]) == 0
      or call("ZSCORE", PREFIX .. "ring:" .. queue .. ":" .. priority .. ":" .. needs, tuple)
    if isOrphan and check.tell("orphan", nil, nil, key, "a line that is not parked", true) then call("ZREM", PREFIX .. key, page[2][i]) end
  end
  return page[1]
end

-- A line under limits is open, or parked on one of them.
function check.limitedLine(name)
  local queue, priority, needs, tuple = takenApart(name)
  if not limits.isOn then return check.tell("foreign", nil, nil, "line:" .. name) end
  local turn = call("ZSCORE", PREFIX .. "ring:" .. queue .. ":" .. priority .. ":" .. needs, tuple)
  for _, use in ipairs(limits.usesOf(tuple)) do turn = turn or call("ZSCORE", PREFIX .. "parked:" .. use.id, name) end
  if not turn and check.tell("line-closed", nil, nil, "line:" .. name, nil, true) then
    limits.open(queue, priority, needs, tuple, clock.nextSeq())
    clock.flush()
  end
end
