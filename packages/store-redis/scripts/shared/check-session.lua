-- Sessions, and what is kept for them. Each handler is given the id behind its key's name, and the cursor of its page.

local REMEMBERED_MS = 3600000

local function stateOf(id)
  return call("HGET", PREFIX .. "session:" .. id, "state")
end

local function removeKey(key, detail)
  if check.tell("orphan", nil, nil, key, detail, true) then call("UNLINK", PREFIX .. key) end
end

check.handlers = {}

-- Swept by its expiry while it is open, and until it holds nothing after that; then it is forgotten by itself.
check.handlers["session"] = function(id)
  local key = "session:" .. id
  local found = call("HMGET", PREFIX .. key, "state", "lease", "sets", "role")
  local state, role = found[1], found[4] and "role:" .. found[4]
  if role and state and state ~= "over" and call("SISMEMBER", PREFIX .. role, id) == 0
    and check.tell("session-unlisted", nil, nil, key, "it is missing in " .. role, true) then
    call("SADD", PREFIX .. role, id)
  end
  if state == "open" then
    if not call("ZSCORE", PREFIX .. "sessions", id) and check.tell("session-unlisted", nil, nil, key, "open", true) then
      call("ZADD", PREFIX .. "sessions", found[2] == "inf" and "+inf" or clock.now + (tonumber(found[2]) or 0), id)
    end
    for set in string.gmatch(found[3] or "", "[^" .. US .. "]+") do
      if call("SISMEMBER", PREFIX .. set, id) == 0 and check.tell("session-unlisted", nil, nil, key, "it is missing in " .. set, true) then
        call("SADD", PREFIX .. set, id)
      end
    end
  elseif state == "closing" or state == "lost" then
    if call("SISMEMBER", PREFIX .. "leaving", id) == 0 and check.tell("session-unlisted", nil, nil, key, state, true) then
      call("SADD", PREFIX .. "leaving", id)
    end
  elseif state ~= "over" then
    check.tell("record-broken", nil, nil, key)
  elseif call("PTTL", PREFIX .. key) == -1 and check.tell("orphan", nil, nil, key, "over, but kept for ever", true) then
    call("PEXPIRE", PREFIX .. key, REMEMBERED_MS)
  end
end

-- A running single is listed under its run alone, and only there.
local function isInForm(member, run)
  local record = packed.get(run)
  return (record ~= nil and record.isSingle == true) == (not string.find(member, "|", 1, true))
end

check.handlers["held"] = function(id, cursor)
  local page = call("SSCAN", PREFIX .. "held:" .. id, cursor, "COUNT", 250)
  for _, member in ipairs(page[2]) do
    local run, address, fence = lease.read(member)
    local isHeld, step = check.isHeldBy(id, run, address, fence)
    if not isInForm(member, run) or not isHeld then
      if check.tell("hold-stale", run, address, "held:" .. id, nil, true) then lease.strike(id, member) end
    elseif step and step.phase ~= RUN and call("SISMEMBER", PREFIX .. "control:" .. id, member) == 0
      and check.tell("lease-mistaken", run, address, "held:" .. id, nil, true) then
      call("SADD", PREFIX .. "control:" .. id, member)
    end
  end
  return page[1]
end

-- Progress ends with the lease that it is of.
check.handlers["beats"] = function(id, cursor)
  local key = "beats:" .. id
  local page = call("HSCAN", PREFIX .. key, cursor, "COUNT", 250)
  for i = 1, #page[2], 2 do
    local member = page[2][i]
    if call("SISMEMBER", PREFIX .. "held:" .. id, member) == 0 then
      local run, address = lease.read(member)
      if check.tell("orphan", run, address, key, "the session does not hold the step", true) then call("HDEL", PREFIX .. key, member) end
    elseif call("HGET", PREFIX .. "session:" .. id, "beats") ~= "1" then
      if check.tell("progress-unended", nil, nil, key, nil, true) then call("HSET", PREFIX .. "session:" .. id, "beats", "1") end
    end
  end
  return page[1]
end

check.handlers["mail"] = function(id, cursor)
  local state = stateOf(id)
  if not state or state == "over" then return removeKey("mail:" .. id, "its session is over") end
  local page = call("HSCAN", PREFIX .. "mail:" .. id, cursor, "COUNT", 250)
  for i = 1, #page[2], 2 do
    local run = check.glance(page[2][i])
    if run ~= false and (not run or run.ended or not run.cancelling) then
      if check.tell("orphan", page[2][i], nil, "mail:" .. id, "the run is not being cancelled", true) then
        call("HDEL", PREFIX .. "mail:" .. id, page[2][i])
      end
    end
  end
  return page[1]
end

check.handlers["lanes"] = function(id)
  local key, state = "lanes:" .. id, stateOf(id)
  if call("PTTL", PREFIX .. key) ~= -1 or state and state ~= "over" then return end
  if not state then return removeKey(key, "its session is gone") end
  if check.tell("orphan", nil, nil, key, "its session is over", true) then call("PEXPIRE", PREFIX .. key, REMEMBERED_MS) end
end

-- Who waits in the zset of all open sessions has to be one.
check.handlers["sessions"] = function(_, cursor)
  local page = call("ZSCAN", PREFIX .. "sessions", cursor, "COUNT", 250)
  for i = 1, #page[2], 2 do
    if stateOf(page[2][i]) ~= "open" and check.tell("orphan", nil, nil, "sessions", page[2][i], true) then
      call("ZREM", PREFIX .. "sessions", page[2][i])
    end
  end
  return page[1]
end

local function checkSet(name, cursor)
  local page = call("SSCAN", PREFIX .. name, cursor, "COUNT", 250)
  for _, id in ipairs(page[2]) do
    if stateOf(id) ~= "open" and check.tell("orphan", nil, nil, name, id, true) then call("SREM", PREFIX .. name, id) end
  end
  return page[1]
end

-- The sets of one host's and of one name's sessions have open ones only.
check.handlers["host"] = function(host, cursor) return checkSet("host:" .. host, cursor) end
check.handlers["worker"] = function(name, cursor) return checkSet("worker:" .. name, cursor) end

-- Running steps by queue, against all leases; a store with more of them than a transition may look at is not recounted.
check.handlers["queues"] = function()
  local counted, n = {}, 0
  local ids = call("ZRANGE", PREFIX .. "sessions", 0, 500)
  for _, id in ipairs(call("SRANDMEMBER", PREFIX .. "leaving", 500)) do ids[#ids + 1] = id end
  for _, id in ipairs(ids) do n = n + call("SCARD", PREFIX .. "held:" .. id) end
  if #ids > 500 or n > 4000 then return end
  for _, id in ipairs(ids) do
    for _, member in ipairs(call("SMEMBERS", PREFIX .. "held:" .. id)) do
      local isHeld, step = check.isHeldBy(id, lease.read(member))
      if isHeld and step and step.phase == RUN then counted[step.spec.queue] = (counted[step.spec.queue] or 0) + 1 end
    end
  end
  local fields = call("HGETALL", PREFIX .. "queues")
  for i = 1, #fields, 2 do
    local recorded, actual = fields[i + 1], tostring(counted[fields[i]] or 0)
    if recorded ~= actual and check.tell("count-queue", nil, nil, "queues", fields[i] .. ": recorded " .. recorded .. ", counted " .. actual, true) then
      call("HSET", PREFIX .. "queues", fields[i], actual)
    end
  end
end
