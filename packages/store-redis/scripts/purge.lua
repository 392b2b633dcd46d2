#!lua flags=allow-oom
-- Deletes what is beyond its retention, oldest first, and at most so many rows, so that a huge run goes in several calls.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 limit · 3, 4 age in ms and count of succeeded runs · 5, 6 of failed ones · 7, 8 of cancelled ones
--      9, 10 of dead letters, "" where they go with their runs
-- Returns { how many runs were deleted, more 1 or 0 }
-- include base core letters plans claims

-- How long an id is remembered after its run was deleted.
local REMEMBER_MS = 86400000

-- How often the buckets of a limit are gone through, and how many of them at a time.
local SWEEP_MS, SWEPT = 600000, 500

local now, budget, purged, unswept = clock.now, tonumber(ARGV[2]), 0, false

-- A run that is too old or one too many, taken from its shelf.
local function popDue()
  local kept = call("ZRANGEBYSCORE", PREFIX .. "kept", "-inf", now, "LIMIT", 0, 1)[1]
  if kept then
    call("ZREM", PREFIX .. "kept", kept)
    return kept, true
  end
  for i, outcome in ipairs({ SUCCEEDED, FAILED, CANCELLED }) do
    local shelf = PREFIX .. "ended:" .. outcome
    local oldest = call("LINDEX", shelf, 0)
    if oldest then
      local ms, id = string.match(oldest, "^(%d+)|(.*)$")
      if tonumber(ms) <= now - tonumber(ARGV[1 + 2 * i]) or call("LLEN", shelf) > tonumber(ARGV[2 + 2 * i]) then
        call("LPOP", shelf)
        return id
      end
    end
  end
end

-- The run that goes next; from now on readers see it as purged.
local function nextToPurge()
  local begun = call("LINDEX", PREFIX .. "purging", 0)
  if begun then return begun end
  while budget > 0 do
    local id, isKept = popDue()
    if not id then return nil end
    if isKept or ARGV[9] == "" or not letters.has(id) then
      letters.retire(id)
      return id
    end
    call("SADD", PREFIX .. "lettered", id)
    budget = budget - 1
  end
end

-- Forgets members of `dead`.
local function forgetLetters(members)
  for _, member in ipairs(members) do
    local id, address = string.match(member, "^([^|]*)|(.*)$")
    letters.forget(id, address)
  end
  budget = budget - #members
end

-- Letters that are too old, or too many, oldest first.
local function trimLetters()
  if ARGV[9] == "" then return end
  local before = string.format("%.0f", (now - tonumber(ARGV[9]) + 1) * 1000)
  forgetLetters(call("ZRANGEBYSCORE", PREFIX .. "dead", "-inf", "(" .. before, "LIMIT", 0, budget))
  local excess = math.min(budget, call("HLEN", PREFIX .. "letters") - tonumber(ARGV[10]))
  if excess > 0 then forgetLetters(call("ZRANGE", PREFIX .. "dead", 0, excess - 1)) end
end

-- Deletes the letters of a run that goes.
local function deleteLetters(id)
  local addresses = call("SRANDMEMBER", PREFIX .. "lettersof:" .. id, budget)
  for _, address in ipairs(addresses) do letters.drop(id, address) end
  budget = budget - #addresses
end

-- Deletes up to the budget of a hash; true when it is gone.
local function deleteHash(key)
  local size = call("HLEN", key)
  if size <= budget then
    call("UNLINK", key)
    budget = budget - size
    return true
  end
  callMany("HDEL", key, call("HRANDFIELD", key, budget))
  budget = 0
  return false
end

-- The same of a list.
local function deleteList(key)
  local size = call("LLEN", key)
  if size <= budget then
    call("UNLINK", key)
    budget = budget - size
    return true
  end
  call("LTRIM", key, budget, -1)
  budget = 0
  return false
end

-- Deletes what hangs on a run; false when the budget ended first. Of its own hash, only what says that it was there is kept.
local function deleteParts(id)
  if letters.has(id) then deleteLetters(id) end
  if budget <= 0 then return false end
  if not deleteHash(PREFIX .. "more:" .. id) or budget <= 0 then return false end
  if not deleteList(PREFIX .. "logs:" .. id) or budget <= 0 then return false end
  if not deleteHash(PREFIX .. "logged:" .. id) or budget <= 0 then return false end
  budget = budget - call("ZREMRANGEBYRANK", PREFIX .. "order:" .. id, 0, budget - 1)
  if budget <= 0 then return false end
  local fields = {}
  for _, field in ipairs(call("HKEYS", PREFIX .. "run:" .. id)) do
    if string.find(field, "^[@$=#+dgxmrq]") then fields[#fields + 1] = field end
    if #fields == budget then break end
  end
  if #fields > 0 then callMany("HDEL", PREFIX .. "run:" .. id, fields) end
  budget = budget - #fields
  return budget > 0
end

-- Of a run that is gone, its id stays known for a while.
local function bury(id)
  local plan, claim = unpack(call("HMGET", PREFIX .. "run:" .. id, "p", "k"))
  if plan then plans.drop(plan, "runs") end
  if call("ZSCORE", PREFIX .. "blobs", id) then call("ZADD", PREFIX .. "blobs", 0, id) end
  if claim then claims.bury(id, claim) end
  call("LPOP", PREFIX .. "purging")
  call("RPUSH", PREFIX .. "forget", string.format("%.0f", now + REMEMBER_MS) .. "|" .. id)
end

-- The first succeeded runs that are too old or too many, up to the budget.
local function dueSuccesses()
  local shelf, ids = PREFIX .. "ended:" .. SUCCEEDED, {}
  local before, excess = now - tonumber(ARGV[3]), call("LLEN", shelf) - tonumber(ARGV[4])
  for i, entry in ipairs(call("LRANGE", shelf, 0, budget - 1)) do
    local ms, id = string.match(entry, "^(%d+)|(.*)$")
    if i > excess and tonumber(ms) > before then break end
    ids[i] = id
  end
  return ids, shelf
end

-- Deletes keys, however many.
local function unlinkMany(keys)
  for from = 1, #keys, 1000 do call("UNLINK", unpack(keys, from, math.min(#keys, from + 999))) end
end

-- Packed runs that have succeeded are most of what goes: they go together, up to the first run that is none. All that there is of one is a
-- field of `packed` and one of `progress`, and its log.
local function purgePacked()
  if budget <= 0 or call("EXISTS", PREFIX .. "purging") == 1 then return end
  local ids, shelf = dueSuccesses()
  packed.fetchWhole(ids)
  local gone, forgets, counts, logged = {}, {}, {}, {}
  local stamp, mayHaveBlobs = string.format("%.0f", now + REMEMBER_MS) .. "|", call("EXISTS", PREFIX .. "blobs") == 1
  for i, id in ipairs(ids) do
    local run = packed.get(id)
    if not run or run.state ~= SUCCEEDED then break end
    -- The logs of many steps may be long.
    if not run.isSingle and call("EXISTS", PREFIX .. "logs:" .. id) == 1 then break end
    packed.leaveTrace(run)
    if mayHaveBlobs and call("ZSCORE", PREFIX .. "blobs", id) then call("ZADD", PREFIX .. "blobs", 0, id) end
    logged[2 * i - 1], logged[2 * i] = PREFIX .. "logs:" .. id, PREFIX .. "logged:" .. id
    local plan = kinds.get(run.kind).plan
    gone[i], forgets[i], counts[plan], packed.known[id] = id, stamp .. id, (counts[plan] or 0) + 1, false
  end
  if #gone == 0 then return end
  call("LPOP", shelf, #gone)
  callMany("HDEL", packed.key, gone)
  callMany("HDEL", packed.progressKey, gone)
  unlinkMany(logged)
  callMany("RPUSH", PREFIX .. "forget", forgets)
  for plan, n in pairs(counts) do plans.drop(plan, "runs", n) end
  purged, budget = purged + #gone, budget - #gone
end

-- Takes a run off the list of all runs, with the list when it was the last of a full one; `head` is its field h.
local function unlist(head)
  local number = string.match(head or "", "^%d+,.,(%d+),")
  if not number then return end
  local bucket = math.floor(number / 1000)
  if call("HINCRBY", PREFIX .. "runs", bucket, -1) <= 0 and bucket < math.floor(clock.runs / 1000) then
    call("DEL", PREFIX .. "runs:" .. bucket)
    call("HDEL", PREFIX .. "runs", bucket)
    call("ZREM", PREFIX .. "starts", string.format("%012d", bucket))
  end
end

-- Forgets ids whose time is over.
local function forget()
  while budget > 0 do
    local ms, id = string.match(call("LINDEX", PREFIX .. "forget", 0) or "", "^(%d+)|(.*)$")
    if not ms or tonumber(ms) > now then return end
    local head, status, claim = unpack(call("HMGET", PREFIX .. "run:" .. id, "h", "s", "k"))
    unlist(head)
    if claim then claims.forget(id, claim, string.sub(status, 1, 1)) end
    call("DEL", PREFIX .. "run:" .. id)
    call("LPOP", PREFIX .. "forget")
    budget = budget - 1
  end
end

-- Buckets that say nothing any more: `sweeps` has the limits that have any, and how far each of them was gone through, or since when it is
-- not to be begun again.
local function sweepBuckets()
  local found = call("HGETALL", PREFIX .. "sweeps")
  for i = 1, #found, 2 do
    local name, cursor, after = found[i], string.match(found[i + 1], "^(%d+),?(%d*)$")
    local key = PREFIX .. "buckets:" .. name
    if budget > 0 and now >= (tonumber(after or "") or 0) then
      local page, gone = call("HSCAN", key, cursor or "0", "COUNT", math.min(budget, SWEPT)), {}
      for j = 1, #page[2], 2 do
        -- What is paid for comes first; what was throttled has behind it when it is whole again.
        local paid, whole = string.match(page[2][j + 1], "^(%d+)"), string.match(page[2][j + 1], ",(%d+) *$")
        if math.max(tonumber(paid or 0) / 1000, tonumber(whole or 0)) <= now then gone[#gone + 1] = page[2][j] end
      end
      callMany("HDEL", key, gone)
      budget = budget - #page[2] / 2
      if page[1] ~= "0" then
        call("HSET", PREFIX .. "sweeps", name, page[1])
        unswept = true
      elseif call("EXISTS", key) == 0 then
        call("HDEL", PREFIX .. "sweeps", name)
      else
        call("HSET", PREFIX .. "sweeps", name, "0," .. string.format("%.0f", now + SWEEP_MS))
      end
    end
  end
end

local more = 0
-- Letters first: a run that they kept goes with them.
trimLetters()
purgePacked()
while budget > 0 do
  local id = nextToPurge()
  if not id then break end
  if not deleteParts(id) then
    more = 1
    break
  end
  bury(id)
  purged, budget = purged + 1, budget - 1
end
forget()
sweepBuckets()
clock.flush()
return { purged, (more == 1 or budget <= 0 or unswept) and 1 or 0 }
