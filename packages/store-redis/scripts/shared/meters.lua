-- Meters: what each key of a limit has let through, and how many of its slots are taken. All that a script needs of them is read in few
-- looks, changed in memory and written at once. The first use that names a key is its meter.
--
-- The hash `buckets:<name>` has by key `paid/pace`, the instant in microseconds until which all that a rate has let through is paid for, and the
-- pace that this was reckoned at; where it was throttled `,until,share,whole` behind that (core's bucket.ts has the law). `used:<name>` has by key how many slots are taken. Behind a value
-- there may be blanks.

local floor, ceil, gmatch, match, max, min, huge = math.floor, math.ceil, string.gmatch, string.match, math.max, math.min, math.huge
local books, listed, split, definitions = {}, {}, {}, {}

-- Behind the first of the values that are written together: with one that is longer than 64 characters a hash is no compact list, in which
-- hundreds of keys would be searched one by one. Numbers are read with it as without.
limits.PADDING = string.rep(" ", 64)

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
    local kind, code, edit, throttled, changed = match(found, "^(.)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31?(%d*)$")
    known = { kind = kind, setting = settingOf(kind, edit ~= "" and edit or code), mayBeThrottled = throttled == "1",
      since = (tonumber(changed) or 0) * 1000 }
  end
  definitions[name] = known
  return known
end

-- True where slots of a limit may be taken: one that is gone may come back while they run that have them.
function limits.hasSlots(name)
  local definition = definitionOf(name)
  return not definition or definition.kind == "c"
end

-- All meters of one limit; `unread` has the keys of those that are still to be read, `changed` those to be written.
local function bookOf(name)
  local book = books[name]
  if not book then
    book = { name = name, meters = {}, unread = {}, changed = {} }
    books[name], listed[#listed + 1] = book, book
  end
  return book
end

-- A use of one key of a limit.
function limits.useOf(name, key, cost)
  local book = bookOf(name)
  local meter = book.meters[key]
  local use = { name = name, key = key, cost = cost, book = book, meter = meter, paid = 0, used = 0, isChanged = false }
  if not meter then
    use.meter, book.meters[key], book.unread[#book.unread + 1] = use, use, key
  end
  return use
end

local useOf = limits.useOf

-- The uses of a tuple, taken apart. Most are one.
function limits.usesOf(tuple)
  local list = split[tuple]
  if list then return list end
  local name, key, cost = match(tuple, "^!?[kr]([^=&]+)=([^=&]*)=([^=&]+)$")
  if name then
    list = { useOf(name, key, cost == "1" and 1 or tonumber(cost)) }
  else
    list = {}
    for name, key, cost in gmatch(tuple, "[kr]([^=&]+)=([^=&]*)=([^=&]+)") do list[#list + 1] = useOf(name, key, tonumber(cost)) end
  end
  split[tuple] = list
  return list
end

local function readBucket(meter, kept)
  if not kept then return end
  local paid, pace, throttled = match(kept, "^(%d+)/(%d+)(,?)")
  local book = meter.book
  local now, before = book.pace or 0, tonumber(pace)
  meter.paid, meter.pace = tonumber(paid), before
  -- What was owed when the rate became another is owed in starts, which take another time from then on.
  if before ~= now and before > 0 and now > 0 and meter.paid > book.since then
    meter.paid, meter.pace = book.since + ceil((meter.paid - book.since) * now / before), now
  end
  if throttled == "," then
    local till, share, whole = match(kept, ",(%d+),([^,]+),(%d+)")
    meter.till, meter.share, meter.whole = tonumber(till), tonumber(share), tonumber(whole)
  end
end

local function readUsed(meter, kept)
  if kept then meter.used = tonumber(kept) end
end

local function readInto(book, key, readOne)
  local keys, meters = book.unread, book.meters
  for from = 1, #keys, 1000 do
    local to = min(#keys, from + 999)
    local found = call("HMGET", key, unpack(keys, from, to))
    for i = from, to do readOne(meters[keys[i]], found[i - from + 1]) end
  end
end

-- Reads what is still to be read of all keys that were named so far.
local function readAll()
  for i = 1, #listed do
    local book = listed[i]
    if book.unread[1] then
      local definition = definitionOf(book.name)
      local setting = definition and definition.setting
      book.isSlots, book.setting, book.since = definition and definition.kind == "c", setting, definition and definition.since
      if setting and setting.rate then book.pace = max(1, ceil(setting.per * 1000 / setting.rate)) end
      if not definition or book.isSlots then readInto(book, PREFIX .. "used:" .. book.name, readUsed) end
      if definition and (not book.isSlots or definition.mayBeThrottled) then
        readInto(book, PREFIX .. "buckets:" .. book.name, readBucket)
      end
      book.unread = {}
    end
  end
end

-- What one key of a limit has let through so far.
function limits.meterOf(use)
  if use.book.unread[1] then readAll() end
  return use.meter
end

-- Reads what the keys of many lines have let through, in few looks, and has each know its uses.
function limits.fetch(lines)
  local usesOf = limits.usesOf
  for i = 1, #lines do
    local line = lines[i]
    line.uses = usesOf(line.tuple)
  end
  readAll()
end

-- Which part of a rate is let through.
local function shareNow(meter)
  if not meter.till or clock.now >= meter.whole then return 1 end
  if clock.now <= meter.till then return meter.share end
  return meter.share + (1 - meter.share) * (clock.now - meter.till) / (meter.whole - meter.till)
end
limits.shareOf = shareNow

-- The pace in microseconds, from where it is counted, and what a start of a cost uses up.
local function termsOf(meter, cost)
  local book, now = meter.book, clock.now * 1000
  local setting = book.setting
  local pace = meter.till and max(1, ceil(setting.per * 1000 / (setting.rate * shareNow(meter)))) or book.pace
  local all, from = pace * setting.burst, meter.paid
  if from < now then from = now elseif from > now + all then from = now + all end
  return now + all, from, cost == 1 and pace or ceil(pace * min(cost, setting.burst)), all
end

-- How many starts of a cost a meter lets through now.
local function roomOf(meter, cost)
  local setting = meter.book.setting
  -- One that is off holds nobody, throttled or not.
  if not setting then return huge end
  if meter.till and clock.now < meter.till then return 0 end
  if setting.most then return max(0, setting.most - meter.used) end
  local most, from, each = termsOf(meter, cost)
  return floor((most - from) / each)
end
limits.roomOf = roomOf

-- When a meter lets a start of a cost through by itself; nil where only the end of an attempt makes room.
function limits.opensAt(meter, cost)
  local setting = meter.book.setting
  local till = meter.till or 0
  if not setting or setting.most then return till > clock.now and till or nil end
  local _, from, each, all = termsOf(meter, cost)
  return max(clock.now, ceil((from + each - all) / 1000), till)
end

local function change(meter)
  local changed = meter.book.changed
  meter.isChanged, changed[#changed + 1] = true, meter
end

-- Counts starts of a cost.
function limits.spend(meter, cost, n)
  local setting = meter.book.setting
  if not setting or setting.most then return end
  local _, from, each = termsOf(meter, cost)
  meter.paid, meter.pace = from + each * n, meter.book.pace
  if not meter.isChanged then change(meter) end
end

-- Counts slots as taken, or below zero as freed.
function limits.occupy(meter, n)
  meter.used = meter.used + n
  if not meter.isChanged then change(meter) end
end

-- How many steps all these limits let through, or 0 and which of them refuses. They were fetched.
function limits.room(uses)
  local least = huge
  for i = 1, #uses do
    local use = uses[i]
    local room = roomOf(use.meter, use.cost)
    if room < 1 then return 0, use end
    if room < least then least = room end
  end
  return least
end

-- Counts steps as started that are popped from a line; below zero, as not started after all.
function limits.reserve(uses, n)
  for i = 1, #uses do
    local use = uses[i]
    if use.book.isSlots then limits.occupy(use.meter, n) else limits.spend(use.meter, use.cost, n) end
  end
end

-- What a bucket is kept as.
local function bucketOf(meter)
  local paid = string.format("%.0f/%.0f", meter.paid, meter.pace or 0)
  if not meter.till or clock.now >= meter.whole then return paid end
  return paid .. string.format(",%d,%.17g,%d", meter.till, meter.share, meter.whole)
end

-- Writes into a hash, keys and values by turns.
local function write(key, list)
  if #list == 0 then return end
  local first = list[2]
  list[2] = (type(first) == "number" and string.format("%.0f", first) or first) .. limits.PADDING
  callMany("HSET", key, list)
end

-- Writes buckets of a limit; purging has to look at them from then on.
local function writeBuckets(name, list)
  local key = PREFIX .. "buckets:" .. name
  if call("EXISTS", key) == 0 then call("HSETNX", PREFIX .. "sweeps", name, "0") end
  write(key, list)
end

function limits.writeBucket(meter)
  writeBuckets(meter.name, { meter.key, bucketOf(meter) })
end

local function writeUsed(book)
  local counts, empty = {}, {}
  for _, meter in ipairs(book.changed) do
    meter.isChanged = false
    if meter.used > 0 then
      counts[#counts + 1], counts[#counts + 2] = meter.key, meter.used
    else
      empty[#empty + 1] = meter.key
    end
  end
  write(PREFIX .. "used:" .. book.name, counts)
  callMany("HDEL", PREFIX .. "used:" .. book.name, empty)
end

-- Corrects at once how many slots of a key are taken.
function limits.recount(name, key, n)
  local field = PREFIX .. "used:" .. name
  local used = tonumber(call("HGET", field, key) or 0) + n
  if used > 0 then call("HSET", field, key, used) else call("HDEL", field, key) end
end

function limits.flushMeters()
  for _, book in ipairs(listed) do
    local changed = book.changed
    if #changed > 0 then
      if book.setting and book.setting.rate then
        local list = {}
        for i = 1, #changed do
          local meter = changed[i]
          list[2 * i - 1], list[2 * i] = meter.key, bucketOf(meter)
          meter.isChanged = false
        end
        writeBuckets(book.name, list)
      else
        writeUsed(book)
      end
      book.changed = {}
    end
  end
end
