-- Limits: which a step stands under, what each has let through, and who has its slots. Made only where the store has any: all other
-- code asks `limits.isOn` first.
--
-- A use is `<letter><name>=<key>=<cost>`, names and keys percent-encoded: k was said by the step's own code for its input, r holds for its
-- task, its queue, or its task in that queue whatever the input. A tuple is the uses of a step, joined by &; it is part of the name
-- of its line. What a step keeps (`uses`) begins with ! once its code has said the keys; while it runs it is the tuple that it was taken under.
--
-- The hash `ruled` has rules by target (`task`, `@queue`, `task@queue`; of edits the same behind a +), each `name=keyed=cost`, joined by &; the hash
-- `limits` what each is, `kind US code US edit US throttled`: kind is r or c, the others `rate,perMs,burst` or `n`, edit maybe `off`.
-- What a key of a rate has let through is `bucket:<name>:<key>`, `paid,until,share,whole` (core's bucket.ts has the law); who has the
-- slots of a limit `slots:<name>`, sessions by `key|` and what `held:<session>` has of the step; how many of each key are taken `used:<name>`.

limits.isOn = true

local floor, ceil, gmatch, match, next = math.floor, math.ceil, string.gmatch, string.match, next
local rules, split, definitions, meters, freed, taken = {}, {}, {}, {}, {}, {}

-- How long a bucket that says nothing any more is kept at least, should the clock stand still for a while.
local SPARE_MS = 600000

-- What holds for a task in a queue: whether its code has to say keys, and the uses beside those.
local function rulesOf(needs, queue)
  local id = needs .. "@" .. queue
  local known = rules[id]
  if known then return known end
  known = { isKeyed = false, uses = "" }
  rules[id] = known
  local all = "@" .. queue
  local found = call("HMGET", PREFIX .. "ruled", needs, "+" .. needs, id, "+" .. id, all, "+" .. all)
  for i = 1, 6 do
    for name, keyed, cost in gmatch(found[i] or "", "([^=&]+)=(%d)=([^&]+)") do
      if keyed == "1" then
        known.isKeyed = true
      else
        known.uses = known.uses .. (known.uses == "" and "r" or "&r") .. name .. "==" .. cost
      end
    end
  end
  return known
end

-- True where steps of a task in a queue may stand under any limit.
function limits.mayLimit(needs, queue)
  local known = rulesOf(needs, queue)
  return known.isKeyed or known.uses ~= ""
end

-- What a step's code has said, as it is kept; nil where it has not.
local function saidIn(uses)
  if not uses or string.byte(uses) ~= 33 then return nil end
  local list = {}
  for use in gmatch(uses, "k[^&]+") do list[#list + 1] = use end
  return "!" .. table.concat(list, "&")
end
limits.saidIn = saidIn

-- The tuple of a step that is to run; nil where its code has yet to say the keys.
function limits.tupleOf(needs, queue, uses)
  local known = rulesOf(needs, queue)
  local said = saidIn(uses)
  if not said then
    if known.isKeyed then return nil end
    return known.uses
  end
  if #said == 1 then return known.uses end
  return string.sub(said, 2) .. (known.uses == "" and "" or "&" .. known.uses)
end

-- The same of what code has said of a step that never ran.
function limits.tupleOfSaid(needs, queue, said)
  local uses = rulesOf(needs, queue).uses
  local own = string.sub(said, 2)
  if uses == "" then return own end
  return own == "" and uses or own .. "&" .. uses
end

-- What a step keeps while it runs.
function limits.takenUnder(uses, tuple)
  return (uses and string.byte(uses) == 33 and "!" or "") .. tuple
end

-- The uses of a tuple, taken apart.
function limits.usesOf(tuple)
  local list = split[tuple]
  if list then return list end
  list = {}
  for name, key, cost in gmatch(tuple, "[kr]([^=&]+)=([^=&]*)=([^=&]+)") do
    list[#list + 1] = { name = name, key = key, id = name .. ":" .. key, cost = cost == "1" and 1 or tonumber(cost) }
  end
  split[tuple] = list
  return list
end

local function settingOf(kind, said)
  if said == "" or said == "off" then return nil end
  if kind == "c" then return { most = tonumber(said) } end
  local rate, per, burst = match(said, "^([^,]+),([^,]+),([^,]+)$")
  return { rate = tonumber(rate), per = tonumber(per), burst = tonumber(burst) }
end

-- A limit as it is in force; false where it is not known.
local function definitionOf(name)
  local known = definitions[name]
  if known ~= nil then return known end
  local found = call("HGET", PREFIX .. "limits", name)
  known = false
  if found then
    local kind, code, edit, throttled = match(found, "^(.)\31([^\31]*)\31([^\31]*)\31(.*)$")
    known = { kind = kind, setting = settingOf(kind, edit ~= "" and edit or code), mayBeThrottled = throttled == "1" }
  end
  definitions[name] = known
  return known
end

local function readBucket(meter, kept)
  if not kept then return end
  local paid, till, share, whole = match(kept, "^(%d+),(%d*),([^,]*),(%d*)$")
  meter.paid = tonumber(paid)
  if till ~= "" then meter.till, meter.share, meter.whole = tonumber(till), tonumber(share), tonumber(whole) end
end

local function newMeter(use, definition)
  return { id = use.id, name = use.name, key = use.key, definition = definition, paid = 0, used = 0 }
end

local function hasBucket(definition)
  return definition and (definition.kind == "r" or definition.mayBeThrottled)
end

-- What one key of a limit has let through so far.
function limits.meterOf(use)
  local meter = meters[use.id]
  if meter then return meter end
  local definition = definitionOf(use.name)
  meter = newMeter(use, definition)
  if not definition or definition.kind == "c" then meter.used = tonumber(call("HGET", PREFIX .. "used:" .. use.name, use.key) or "") or 0 end
  if hasBucket(definition) then readBucket(meter, call("GET", PREFIX .. "bucket:" .. use.id)) end
  meters[use.id] = meter
  return meter
end

-- Reads what many keys have let through, in few looks.
local function fetchUses(uses)
  local wanted, keys, counts = {}, {}, {}
  for _, use in ipairs(uses) do
    local definition = definitionOf(use.name)
    if not meters[use.id] and definition and not (definition.kind == "c" and definition.mayBeThrottled) then
      local meter = newMeter(use, definition)
      meters[use.id] = meter
      if definition.kind == "c" then
        local list = counts[use.name] or { meters = {} }
        counts[use.name] = list
        list[#list + 1], list.meters[#list + 1] = use.key, meter
      else
        wanted[#wanted + 1], keys[#keys + 1] = meter, PREFIX .. "bucket:" .. use.id
      end
    end
  end
  for from = 1, #keys, 1000 do
    local to = math.min(#keys, from + 999)
    local found = call("MGET", unpack(keys, from, to))
    for i = from, to do readBucket(wanted[i], found[i - from + 1]) end
  end
  for name, list in pairs(counts) do
    for from = 1, #list, 1000 do
      local to = math.min(#list, from + 999)
      local found = call("HMGET", PREFIX .. "used:" .. name, unpack(list, from, to))
      for i = from, to do list.meters[i].used = tonumber(found[i - from + 1] or "") or 0 end
    end
  end
end

function limits.fetch(tuples)
  local all = {}
  for _, tuple in ipairs(tuples) do
    for _, use in ipairs(limits.usesOf(tuple)) do all[#all + 1] = use end
  end
  fetchUses(all)
end

-- Which part of a rate is let through.
local function shareNow(meter)
  if not meter.till or clock.now >= meter.whole then return 1 end
  if clock.now <= meter.till then return meter.share end
  return meter.share + (1 - meter.share) * (clock.now - meter.till) / (meter.whole - meter.till)
end

-- The pace in microseconds, from where it is counted, and what a start of a cost uses up.
local function termsOf(meter, cost)
  local setting, now = meter.definition.setting, clock.now * 1000
  local pace = math.max(1, ceil(setting.per * 1000 / (setting.rate * shareNow(meter))))
  local all = pace * setting.burst
  return now + all, math.min(math.max(meter.paid, now), now + all), ceil(pace * math.min(cost, setting.burst)), all
end

-- How many starts of a cost a meter lets through now.
function limits.roomOf(meter, cost)
  local setting = meter.definition and meter.definition.setting
  -- One that is off holds nobody, throttled or not.
  if not setting then return math.huge end
  if meter.till and clock.now < meter.till then return 0 end
  if setting.most then return math.max(0, setting.most - meter.used) end
  local most, from, each = termsOf(meter, cost)
  return floor((most - from) / each)
end

-- When a meter lets a start of a cost through by itself; nil where only the end of an attempt makes room.
function limits.opensAt(meter, cost)
  local setting = meter.definition and meter.definition.setting
  local till = meter.till or 0
  if not setting or setting.most then return till > clock.now and till or nil end
  local _, from, each, all = termsOf(meter, cost)
  return math.max(clock.now, ceil((from + each - all) / 1000), till)
end

-- Counts starts of a cost.
function limits.spend(meter, cost, n)
  local setting = meter.definition and meter.definition.setting
  if not setting or setting.most then return end
  local _, from, each = termsOf(meter, cost)
  meter.paid, meter.isChanged = from + each * n, true
end

-- How many steps of a line all its limits let through, or 0 and which of them refuses.
function limits.room(tuple)
  local least = math.huge
  for _, use in ipairs(limits.usesOf(tuple)) do
    local room = limits.roomOf(limits.meterOf(use), use.cost)
    if room < 1 then return 0, use end
    least = math.min(least, room)
  end
  return least
end

local function listOf(lists, name)
  local list = lists[name]
  if not list then
    list = { uses = {} }
    lists[name] = list
  end
  return list
end

-- Counts steps that are popped from a line as started.
function limits.reserve(tuple, n)
  for _, use in ipairs(limits.usesOf(tuple)) do
    local meter = limits.meterOf(use)
    if meter.definition and meter.definition.kind == "c" then
      meter.used, meter.hasMoved = meter.used + n, true
    else
      limits.spend(meter, use.cost, n)
    end
  end
end

-- Gives slots to those of them that were taken; `members` is what stands for them in `held:<session>`. The others count no more.
function limits.hold(tuple, session, members, dropped)
  for _, use in ipairs(limits.usesOf(tuple)) do
    local meter = limits.meterOf(use)
    if meter.definition and meter.definition.kind == "c" then
      meter.used = meter.used - dropped
      local list = listOf(taken, use.name)
      for i = 1, #members do list[#list + 1], list[#list + 2] = use.key .. "|" .. members[i], session end
    elseif dropped > 0 then
      limits.spend(meter, use.cost, -dropped)
    end
  end
end

-- Frees the slots of a step whose lease ends.
function limits.free(tuple, member)
  for _, use in ipairs(limits.usesOf(tuple)) do
    local definition = definitionOf(use.name)
    -- One that is gone may come back while they run that have its slots.
    if not definition or definition.kind == "c" then
      local list = listOf(freed, use.name)
      list[#list + 1], list.uses[#list + 1] = use.key .. "|" .. member, use
    end
  end
end

-- A single that is unpacked while it runs has another name from then on.
function limits.rename(tuple, before, after, session)
  for _, use in ipairs(limits.usesOf(tuple)) do
    local key = PREFIX .. "slots:" .. use.name
    if call("HDEL", key, use.key .. "|" .. before) == 1 then call("HSET", key, use.key .. "|" .. after, session) end
  end
end

-- Which of some keys have lines parked on their limit.
local function parkedOf(name, uses)
  local keys, seen, parked = {}, {}, {}
  for _, use in ipairs(uses) do
    if not seen[use.key] then
      seen[use.key] = use
      keys[#keys + 1] = use.key
    end
  end
  for from = 1, #keys, 1000 do
    local to = math.min(#keys, from + 999)
    local found = call("SMISMEMBER", PREFIX .. "parkedkeys:" .. name, unpack(keys, from, to))
    for i = from, to do
      if found[i - from + 1] == 1 then parked[#parked + 1] = seen[keys[i]] end
    end
  end
  return parked
end

-- Takes slots away from those who had them: who has none any more frees none twice.
local function release(name, list)
  local key, gone = PREFIX .. "slots:" .. name, {}
  fetchUses(list.uses)
  for from = 1, #list, 1000 do
    local to = math.min(#list, from + 999)
    local found = call("HMGET", key, unpack(list, from, to))
    for i = from, to do
      local field = list[i]
      if found[i - from + 1] and not gone[field] then
        gone[field], gone[#gone + 1] = true, field
        local meter = limits.meterOf(list.uses[i])
        meter.used, meter.hasMoved = meter.used - 1, true
      end
    end
  end
  if #gone > 0 then callMany("HDEL", key, gone) end
end

-- Writes which slots are free, and wakes who waits for them.
function limits.settle()
  if not next(freed) then return end
  local lists = freed
  freed = {}
  for name, list in pairs(lists) do
    release(name, list)
    for _, use in ipairs(parkedOf(name, list.uses)) do limits.wake(use) end
  end
end

function limits.writeBucket(meter)
  local gone = math.max(ceil(meter.paid / 1000), meter.whole or 0)
  local kept = string.format("%.0f", meter.paid) .. ","
    .. (meter.till and meter.till .. "," .. string.format("%.17g", meter.share) .. "," .. meter.whole or ",,")
  call("SET", PREFIX .. "bucket:" .. meter.id, kept, "PX", string.format("%.0f", math.max(0, gone - clock.now) + SPARE_MS))
end

function limits.flush()
  limits.settle()
  local counts, empty = {}, {}
  for _, meter in pairs(meters) do
    if meter.isChanged then limits.writeBucket(meter) end
    if meter.hasMoved then
      local list = listOf(meter.used > 0 and counts or empty, meter.name)
      list[#list + 1] = meter.key
      if meter.used > 0 then list[#list + 1] = meter.used end
    end
    meter.isChanged, meter.hasMoved = false, false
  end
  for name, list in pairs(counts) do callMany("HSET", PREFIX .. "used:" .. name, list) end
  for name, list in pairs(empty) do callMany("HDEL", PREFIX .. "used:" .. name, list) end
  for name, list in pairs(taken) do callMany("HSET", PREFIX .. "slots:" .. name, list) end
  taken = {}
end
