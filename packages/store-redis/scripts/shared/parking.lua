-- Lines under limits: each that has entries is either open, in the zset `ring:<queue>:<priority>:<needs>` by its turn (when it was served
-- last, or made), or parked on the limit that refused, in the zset `parked:<name>:<key>`, by its turn as well. So who waited longest is woken,
-- and then served, first. Those of a tenant stand in its own ring: see tenants.lua. `rings:<queue>` is the set of the rings, `parkedkeys:<name>` that of the keys of a limit on which lines are parked.
-- A limit looks again at those by one instant in the zset `openings`, under its name and key: whoever asks for steps from then on opens what
-- it lets through, and so do promoters.

-- How soon a limit with room looks again whether those whom it woke have used it: nobody may serve their queue.
local AGAIN_MS = 1000

-- The most lines that one limit wakes at a time, and the most keys at which a limit that was edited looks in one call.
local WAKE_LIMIT, KEY_LIMIT = 100, 500

-- The name of a line: `queue:priority:needs:tuple`.
function limits.nameOf(line)
  return line.queue .. ":" .. line.priority .. ":" .. line.needs .. ":" .. line.tuple
end

local openings = PREFIX .. "openings"
-- Whether this script has set any such instant, or met one that was due.
local isTold = false

local function arm(what, due)
  isTold = true
  call("ZADD", openings, "LT", due, what)
end

local function idOf(use)
  return use.name .. ":" .. use.key
end
limits.idOf = idOf

-- Lines that were opened, by their rings, with the turns before them.
local opened = {}

-- A turn behind all that there were, as a number: the server writes it as well.
function limits.nextTurn()
  clock.seq = clock.seq + 1
  return clock.seq
end

-- Opens a line, with the next flushOpened.
function limits.open(queue, priority, needs, tuple, turn)
  local tenant, member = tenants.of(tuple), priority .. ":" .. needs
  local id = queue .. ":" .. member .. (tenant and ":" .. tenant or "")
  local list = opened[id]
  if not list then
    list = { queue = queue, member = member, tenant = tenant, priority = priority, needs = needs }
    opened[id] = list
  end
  local n = #list
  list[n + 1], list[n + 2] = turn, tuple
end

function limits.flushOpened()
  if not next(opened) then return end
  for id, list in pairs(opened) do
    callMany("ZADD", PREFIX .. "ring:" .. id, list)
    if list.tenant then
      tenants.open(list.queue, list.priority, list.needs, list.tenant)
    else
      call("SADD", PREFIX .. "rings:" .. list.queue, list.member)
    end
  end
  opened = {}
end

-- Parks a line, which stands in no ring any more, on the limit that refuses.
function limits.park(line, turn, use)
  local id = idOf(use)
  call("ZADD", PREFIX .. "parked:" .. id, turn, limits.nameOf(line))
  call("SADD", PREFIX .. "parkedkeys:" .. use.name, use.key)
  local opens = limits.opensAt(limits.meterOf(use), use.cost)
  if opens then arm(id, opens) end
end

local function costIn(tuple, use)
  for _, each in ipairs(limits.usesOf(tuple)) do
    if each.name == use.name and each.key == use.key then return each.cost end
  end
  return 1
end

-- Opens as many lines as a limit lets through, those that waited longest first.
function limits.wake(use)
  local id = idOf(use)
  local key = PREFIX .. "parked:" .. id
  local list = call("ZRANGE", key, 0, WAKE_LIMIT - 1, "WITHSCORES")
  if #list == 0 then return end
  -- What waking may use up; nothing is counted before it is taken.
  local real, woken, again = limits.meterOf(use), {}, nil
  local meter = { book = real.book, paid = real.paid, pace = real.pace, used = real.used, till = real.till, share = real.share, whole = real.whole, isChanged = true }
  for i = 1, #list, 2 do
    local queue, priority, needs, tuple = string.match(list[i], "^([^:]*):(%d):([^:]*):(.*)$")
    local cost = costIn(tuple, use)
    -- Who waits for more than there is keeps those behind from taking it away.
    if limits.roomOf(meter, cost) < 1 then
      again = math.min(limits.opensAt(meter, cost) or math.huge, woken[1] and clock.now + AGAIN_MS or math.huge)
      break
    end
    meter.used = meter.used + 1
    limits.spend(meter, cost, 1)
    woken[#woken + 1] = list[i]
    limits.open(queue, priority, needs, tuple, list[i + 1])
    ledger.opened(queue, priority, needs, tuple)
  end
  callMany("ZREM", key, woken)
  if again then
    if again < math.huge then arm(id, again) end
  elseif #list == 2 * WAKE_LIMIT then
    arm(id, clock.now)
  else
    call("SREM", PREFIX .. "parkedkeys:" .. use.name, use.key)
  end
end

-- Has a limit look at once at all that stands behind it, whatever the key.
function limits.ringAll(name)
  arm(name .. "|0", clock.now)
end

function limits.ringAt(use, due)
  arm(idOf(use), due)
end

-- Looks at what stands behind a limit whose time has come: one key, or all of them, some at a time.
local function ring(what)
  local name, key = string.match(what, "^([^:|]*):(.*)$")
  if name then return limits.wake(limits.useOf(name, key, 1)) end
  local cursor
  name, cursor = string.match(what, "^([^|]*)|(%d+)$")
  if not name then return end
  local page = call("SSCAN", PREFIX .. "parkedkeys:" .. name, cursor, "COUNT", KEY_LIMIT)
  if page[1] ~= "0" then arm(name .. "|" .. page[1], clock.now) end
  for _, each in ipairs(page[2]) do limits.wake(limits.useOf(name, each, 1)) end
end

-- Has limits look whose time has come, at most so many; answers how many did.
function limits.ringDue(most)
  local due = call("ZRANGEBYSCORE", openings, "-inf", clock.now, "LIMIT", 0, most)
  if #due == 0 then return 0 end
  -- They set their time anew, so the old ones go first.
  callMany("ZREM", openings, due)
  for _, what in ipairs(due) do ring(what) end
  isTold = true
  return #due
end

-- How long until the next limit is to look, for who has met one that is shut or was about to open; else false. It comes back then by
-- itself, so that nobody need be woken. The last that was told is the field `opener` of the clock: where there is none, whoever has
-- room is told.
function limits.nextOpeningMs(id, hasRoom)
  if not isTold and not hasRoom then return false end
  local first = call("ZRANGE", openings, 0, 0, "WITHSCORES")[2]
  if not first then return false end
  local opener = call("HGET", KEYS[1], "opener")
  if opener and not isTold then return false end
  if id and opener ~= id then call("HSET", KEYS[1], "opener", id) end
  return math.max(0, tonumber(first) - clock.now)
end

-- A session ends: where it was to come back, somebody else looks.
function limits.passOn(id)
  if call("HGET", KEYS[1], "opener") ~= id then return end
  call("HDEL", KEYS[1], "opener")
  ledger.rouseOther(id)
end
