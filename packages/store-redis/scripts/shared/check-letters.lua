-- Dead letters, see letters.lua. Handlers as in check-session.lua.

local PAGE = 250

local function split(member)
  return string.match(member, "^([^|]*)|(.*)$")
end

-- True where a step has failed for good; its run may be on its way out, with its letters.
local function isDead(id, address)
  local run = check.glance(id)
  if run == false or run and run.purged then return true end
  local step = run and check.stepOf(run, address)
  return step and step.state == FAILED and step.rescued == -1
end

check.handlers["dead"] = function(_, cursor)
  local page = call("ZSCAN", PREFIX .. "dead", cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local member = page[2][i]
    local id, address = split(member)
    if not id or call("HEXISTS", PREFIX .. "letters", member) == 0 then
      if check.tell("orphan", id, nil, "dead", "nothing is known of the letter", true) then
        call("ZREM", PREFIX .. "dead", member)
        if id then call("SREM", PREFIX .. "lettersof:" .. id, address) end
      end
    elseif not isDead(id, address) then
      if check.tell("letter-stale", id, address, nil, nil, true) then letters.forget(id, address) end
    elseif call("SISMEMBER", PREFIX .. "lettersof:" .. id, address) == 0 then
      if check.tell("letter-unlisted", id, address, nil, nil, true) then call("SADD", PREFIX .. "lettersof:" .. id, address) end
    end
  end
  return page[1]
end

check.handlers["letters"] = function(_, cursor)
  local page = call("HSCAN", PREFIX .. "letters", cursor, "COUNT", PAGE)
  for i = 1, #page[2], 2 do
    local member = page[2][i]
    local id, address = split(member)
    if not call("ZSCORE", PREFIX .. "dead", member) and check.tell("orphan", id, nil, "letters", nil, true) then
      if not id or not letters.drop(id, address) then call("HDEL", PREFIX .. "letters", member) end
    end
  end
  return page[1]
end

check.handlers["lettersof"] = function(id, cursor)
  local page = call("SSCAN", PREFIX .. "lettersof:" .. id, cursor, "COUNT", PAGE)
  for _, address in ipairs(page[2]) do
    if not call("ZSCORE", PREFIX .. "dead", id .. "|" .. address)
      and check.tell("orphan", id, nil, "lettersof:" .. id, nil, true) then
      call("SREM", PREFIX .. "lettersof:" .. id, address)
    end
  end
  return page[1]
end

-- The sum says whether any count is wrong; only then all letters are counted.
check.handlers["lettercounts"] = function()
  local sum, counted = 0, {}
  local recorded = call("HGETALL", PREFIX .. "lettercounts")
  for i = 2, #recorded, 2 do sum = sum + tonumber(recorded[i]) end
  local n = call("HLEN", PREFIX .. "letters")
  if sum == n or not check.tell("count-list", nil, nil, "lettercounts", "recorded " .. sum .. ", counted " .. n, true) then return end
  for _, about in ipairs(call("HVALS", PREFIX .. "letters")) do
    local task = string.match(about, "^[^\31]*")
    counted[task] = (counted[task] or 0) + 1
  end
  call("DEL", PREFIX .. "lettercounts")
  for task, count in pairs(counted) do call("HSET", PREFIX .. "lettercounts", task, count) end
end

-- Runs that only their letters keep.
check.handlers["lettered"] = function(_, cursor)
  local page = call("SSCAN", PREFIX .. "lettered", cursor, "COUNT", PAGE)
  for _, id in ipairs(page[2]) do
    local run = check.glance(id)
    local fits = run == false or run and run.ended and run.keep == "" and not run.purged and letters.has(id)
    if not fits and check.tell("run-mislisted", id, nil, "lettered", nil, true) then
      call("SREM", PREFIX .. "lettered", id)
    end
  end
  return page[1]
end
