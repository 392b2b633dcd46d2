-- Lists and keys that belong to runs. Handlers as in check-session.lua.

local PAGE = 250

local function isRun(id)
  return call("HEXISTS", PREFIX .. "run:" .. id, "h") == 1
end

-- What stands beside a run goes with it.
local function beside(name)
  return function(id)
    local key = name .. ":" .. id
    if not isRun(id) and check.tell("orphan", nil, nil, key, "its run is gone", true) then call("UNLINK", PREFIX .. key) end
  end
end

check.handlers["more"] = beside("more")
check.handlers["order"] = beside("order")

-- A log goes with its run, packed or not, and has both its list and what is known of that.
local function besideLog(name, other)
  return function(id)
    local key, run, why = name .. ":" .. id, check.glance(id), nil
    -- What goes with its run goes in parts; what stands beside a record that cannot be read stays.
    if run == false or run and run.purged then return end
    if not run then
      why = "its run is gone"
    elseif call("EXISTS", PREFIX .. other .. ":" .. id) == 0 then
      why = other .. " of its run is gone"
    end
    if why and check.tell("orphan", id, nil, key, why, true) then call("UNLINK", PREFIX .. key) end
  end
end

check.handlers["logs"] = besideLog("logs", "logged")
check.handlers["logged"] = besideLog("logged", "logs")

-- What priorities are ahead of each other by, in weighted queues: at most a turn.
check.handlers["levels"] = function(_, cursor)
  local page = call("HSCAN", PREFIX .. "levels", cursor, "COUNT", 250)
  for i = 1, #page[2], 2 do
    local queue, isStale = page[2][i], not steering.isWeighted(page[2][i])
    for _, each in ipairs(splitBy(page[2][i + 1], ",")) do
      local level, n = string.match(each, "^(%d)=(%d+)$")
      isStale = isStale or not level or tonumber(n) > 2 ^ (9 - level)
    end
    if isStale and check.tell("level-stale", nil, nil, "levels", queue, true) then call("HDEL", PREFIX .. "levels", queue) end
  end
  return page[1]
end

-- Mailboxes end by themselves.
check.handlers["box"] = function(id)
  if call("PTTL", PREFIX .. "box:" .. id) == -1 and check.tell("orphan", nil, nil, "box:" .. id, "kept for ever", true) then
    call("UNLINK", PREFIX .. "box:" .. id)
  end
end

-- A key that is held until a run's end goes with the run; one that is held for a time ends by itself.
check.handlers["claim"] = function(suffix)
  local key, value = PREFIX .. "claim:" .. suffix, call("GET", PREFIX .. "claim:" .. suffix)
  local id, kept = string.match(value, "^([^,]*),[^,]*,([^,]*),%d+,.?$")
  if not id then
    check.tell("record-broken", nil, nil, "claim:" .. suffix, value)
  elseif tonumber(kept) then
    local isEndless = call("PTTL", key) == -1
    if isEndless and check.tell("orphan", id, nil, "claim:" .. suffix, "kept for ever", true) then
      call("PEXPIRE", key, string.format("%.0f", math.max(0, kept - clock.now) + 60000))
    end
  elseif not check.glance(id) and check.tell("orphan", id, nil, "claim:" .. suffix, "its run is gone", true) then
    call("DEL", key)
  end
end

-- Entries of a line that is not among the open ones are never popped.
check.handlers["line"] = function(name)
  local queue, member = string.match(name, "^([^:]*):(%d:.*)$")
  if not queue then return check.tell("foreign", nil, nil, "line:" .. name) end
  if string.match(name, "^[^:]*:%d:[^:]*:.") then return check.limitedLine(name) end
  if call("LLEN", PREFIX .. "line:" .. name) > 0 and call("SISMEMBER", PREFIX .. "lines:" .. queue, member) == 0
    and check.tell("line-closed", nil, nil, "line:" .. name, nil, true) then
    call("SADD", PREFIX .. "lines:" .. queue, member)
  end
end

-- Entries of a line of a worker are popped by that, and moved by its timer.
check.handlers["near"] = function(name)
  local worker, queue, member = string.match(name, "^([^:]*):([^:]*):(%d:%d+)$")
  if not worker then return check.tell("foreign", nil, nil, "near:" .. name) end
  local index, timer = PREFIX .. "nears:" .. worker .. ":" .. queue, "000000000000000|@|" .. name
  local isOpen = call("SISMEMBER", index, member) == 1 and call("SISMEMBER", PREFIX .. "sticky", name) == 1
    and call("ZSCORE", PREFIX .. "timers", timer)
  if not isOpen and check.tell("line-closed", nil, nil, "near:" .. name, nil, true) then
    call("HSET", KEYS[1], "sticky", "1")
    call("SADD", index, member)
    call("SADD", PREFIX .. "sticky", name)
    call("ZADD", PREFIX .. "timers", clock.now, timer)
  end
end

-- A kind ends with its plan, which lists it; after its name stands a + where packed runs are of it.
check.handlers["kind"] = function(id)
  local name, use = string.match(id, "^(........)(.?)$")
  local kind = kinds.get(name)
  if not kind then
    if call("HEXISTS", PREFIX .. "kinds", name) == 1 then check.tell("record-broken", nil, nil, "kinds", name) end
    return
  end
  local key = PREFIX .. "plan:" .. kind.plan
  local text, list = unpack(call("HMGET", key, "text", "kinds"))
  for each in string.gmatch(list or "", "........") do
    if each == name and text then return end
  end
  if text then
    if check.tell("kind-unlisted", nil, nil, "kinds", name, true) then call("HSET", key, "kinds", (list or "") .. name) end
  elseif use == "" and check.tell("orphan", nil, nil, "kinds", name .. ": its plan is gone", true) then
    call("HDEL", PREFIX .. "kinds", name)
  end
end

-- How far packed runs are, of runs that are none (any more): a later run of that id would not be taken. What stands beside a record that
-- cannot be read stays, in case somebody mends that.
check.handlers["progress"] = function(_, cursor)
  local page = call("HSCAN", PREFIX .. "progress", cursor, "COUNT", PAGE)
  local ids = {}
  for i = 1, #page[2], 2 do ids[#ids + 1] = page[2][i] end
  packed.fetch(ids)
  for _, id in ipairs(ids) do
    if not packed.known[id] and check.tell("orphan", id, nil, "progress", "the run is no packed one", true) then
      call("HDEL", PREFIX .. "progress", id)
    end
  end
  return page[1]
end

check.handlers["names"] = function(_, cursor)
  local page = call("HSCAN", PREFIX .. "names", cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local plan = string.match(page[2][i + 1], "^%a+ %d+ (.*)$") or ""
    if call("HEXISTS", PREFIX .. "plan:" .. plan, "text") == 0 then check.tell("plan-missing", nil, nil, "plan:" .. plan, page[2][i]) end
  end
  return page[1]
end

-- Runs in some states, by number. Whoever reads the list looks at the run, so what is too much in it only takes room.
check.handlers["listed"] = function(state, cursor)
  local page = call("ZSCAN", PREFIX .. "listed:" .. state, cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local id = page[2][i]
    local status = call("HGET", PREFIX .. "run:" .. id, "s")
    local isOrphan = not status or string.sub(status, 1, 1) ~= state or string.match(status, "^.,.,.,%d*,%d*,%d+,%d+,%d+,.,(.),") == "1"
    if isOrphan and check.tell("orphan", id, nil, "listed:" .. state, nil, true) then
      call("ZREM", PREFIX .. "listed:" .. state, id)
    end
  end
  return page[1]
end

-- When lists of a thousand runs began.
check.handlers["starts"] = function(_, cursor)
  local page = call("ZSCAN", PREFIX .. "starts", cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local bucket = tonumber(page[2][i]) or -1
    local isOrphan = call("EXISTS", PREFIX .. "runs:" .. bucket) == 0
    if isOrphan and check.tell("orphan", nil, nil, "starts", "runs:" .. bucket .. " is gone", true) then
      call("ZREM", PREFIX .. "starts", page[2][i])
    end
  end
  return page[1]
end

-- When the first of some runs that is still there was submitted.
local function startOf(ids)
  for _, id in ipairs(ids) do
    local run = packed.get(id)
    local created = run and string.match(run.rest, "^(%d+),") or string.match(call("HGET", PREFIX .. "run:" .. id, "h") or "", "^(%d+),")
    if created then return created end
  end
end

-- Listings by time skip a list of runs that has no start.
local function checkStart(bucket, ids)
  local member = string.format("%012d", bucket)
  local start = not call("ZSCORE", PREFIX .. "starts", member) and startOf(ids)
  if start and check.tell("run-unfound", nil, nil, "starts", "runs:" .. bucket, true) then
    call("ZADD", PREFIX .. "starts", start, member)
  end
end

-- A thousand runs by number, and how many of them are still there.
check.handlers["runs"] = function(bucket)
  local counted = 0
  local ids = call("LRANGE", PREFIX .. "runs:" .. bucket, 0, 999)
  packed.fetchWhole(ids)
  for place, id in ipairs(ids) do
    local run = packed.get(id)
    local number = run and packed.numberOf(run) or string.match(call("HGET", PREFIX .. "run:" .. id, "h") or "", "^%d+,.,(%d+),")
    if tonumber(number) == bucket * 1000 + place - 1 then counted = counted + 1 end
  end
  local recorded, current = call("HGET", PREFIX .. "runs", bucket) or "0", math.floor(clock.runs / 1000)
  local number = tonumber(bucket)
  -- The newest full list may be empty until the next submission takes it away.
  local isOver = counted == 0 and number ~= current and not (number == current - 1 and recorded == "0")
  if isOver then
    if check.tell("orphan", nil, nil, "runs:" .. bucket, "all its runs are gone", true) then
      call("DEL", PREFIX .. "runs:" .. bucket)
      call("HDEL", PREFIX .. "runs", bucket)
      call("ZREM", PREFIX .. "starts", string.format("%012d", bucket))
    end
    return
  end
  checkStart(bucket, ids)
  if tonumber(recorded) ~= counted
    and check.tell("count-list", nil, nil, "runs:" .. bucket, "recorded " .. recorded .. ", counted " .. counted, true) then
    call("HSET", PREFIX .. "runs", bucket, counted)
  end
end

-- Retention must have no run that has not ended, and none twice. `fits` says whether a run that is there belongs.
local function eachShelved(list, cursor, read, remove, fits)
  local page, nextCursor = read()
  local seen = {}
  for _, entry in ipairs(page) do
    local ms, id = string.match(entry, "^(%d+)|(.*)$")
    local run = check.glance(id or entry)
    if seen[entry] or run and not fits(run, tonumber(ms)) then
      if check.tell("run-mislisted", id or entry, nil, list, seen[entry] and "twice" or nil, true) then remove(entry) end
    end
    seen[entry] = true
  end
  return nextCursor
end

local function overList(list, fits)
  return function(_, cursor)
    local key, from = PREFIX .. list, tonumber(cursor)
    return eachShelved(list, cursor, function()
      local page = call("LRANGE", key, from, from + PAGE - 1)
      return page, #page == PAGE and tostring(from + PAGE) or "0"
    end, function(entry) call("LREM", key, -1, entry) end, fits)
  end
end

for _, outcome in ipairs({ SUCCEEDED, FAILED, CANCELLED }) do
  check.handlers["ended:" .. outcome] = overList("ended:" .. outcome, function(run, ms)
    return run.state == outcome and run.ended and run.keep == "" and not run.purged and run.created + run.ended == ms
  end)
end
check.handlers["purging"] = overList("purging", function(run) return run.ended and run.purged end)
check.handlers["forget"] = overList("forget", function(run) return run.ended and run.purged end)
check.handlers["kept"] = function(_, cursor)
  return eachShelved("kept", cursor, function()
    local page, ids = call("ZSCAN", PREFIX .. "kept", cursor, "COUNT", PAGE), {}
    for i = 1, #page[2], 2 do ids[#ids + 1] = page[2][i] end
    return ids, page[1]
  end, function(entry) call("ZREM", PREFIX .. "kept", entry) end, function(run) return run.ended and run.keep ~= "" and not run.purged end)
end

-- A run of which only the id is left, and that neither purging nor forgetting knows.
check.handlers["gone"] = function(id)
  local run = check.glance(id)
  if not run or not run.purged or call("LPOS", PREFIX .. "purging", id, "MAXLEN", 20000) then return end
  -- It may have been buried a moment ago.
  for _, entry in ipairs(call("LRANGE", PREFIX .. "forget", -2000, -1)) do
    if string.match(entry, "|(.*)$") == id then return end
  end
  if not check.tell("run-unlisted", id, nil, "forget", nil, true) then return end
  local hasParts = call("EXISTS", PREFIX .. "more:" .. id, PREFIX .. "order:" .. id, PREFIX .. "logs:" .. id, PREFIX .. "logged:" .. id) > 0
  for _, field in ipairs(hasParts and {} or call("HKEYS", run.key)) do
    if string.find(field, "^[@#]") then hasParts = true end
  end
  if hasParts then call("RPUSH", PREFIX .. "purging", id) else call("RPUSH", PREFIX .. "forget", string.format("%.0f", clock.now + 86400000) .. "|" .. id) end
end
