-- Lines under limits: each that has entries is either open, in the zset `ring:<queue>:<priority>:<needs>` by its turn (when it was served
-- last, or made), or parked on the limit that refused, in the zset `parked:<name>:<key>`, by its turn as well. So who waited longest is woken,
-- and then served, first. Those of a tenant stand in its own ring: see tenants.lua. `rings:<queue>` is the set of the rings, `parkedkeys:<name>` that of the keys of a limit on which lines are parked.
-- A limit looks again at those by one timer, `|` and its name and key.

-- How soon a limit with room looks again whether those whom it woke have used it: nobody may serve their queue.
local AGAIN_MS = 1000

-- The most lines that one limit wakes at a time, and the most keys at which a limit that was edited looks in one call.
local WAKE_LIMIT, KEY_LIMIT = 100, 500

-- The name of a line: `queue:priority:needs:tuple`.
function limits.nameOf(line)
  return line.queue .. ":" .. line.priority .. ":" .. line.needs .. ":" .. line.tuple
end

local function memberOf(what)
  return "000000000000000||" .. what
end

local function arm(what, due)
  call("ZADD", PREFIX .. "timers", "LT", due, memberOf(what))
end

-- Opens a line.
function limits.open(queue, priority, needs, tuple, turn)
  local ring, tenant = tenants.ringOf(queue, priority, needs, tuple)
  call("ZADD", ring, turn, tuple)
  if tenant then return tenants.open(queue, priority, needs, tenant) end
  call("SADD", PREFIX .. "rings:" .. queue, priority .. ":" .. needs)
end

-- Parks a line, which stands in no ring any more, on the limit that refuses.
function limits.park(line, turn, use)
  call("ZADD", PREFIX .. "parked:" .. use.id, turn, limits.nameOf(line))
  call("SADD", PREFIX .. "parkedkeys:" .. use.name, use.key)
  local opens = limits.opensAt(limits.meterOf(use), use.cost)
  if opens then arm(use.id, opens) end
end

local function costIn(name, use)
  for _, each in ipairs(limits.usesOf(string.match(name, "^[^:]*:%d:[^:]*:(.*)$") or "")) do
    if each.id == use.id then return each.cost end
  end
  return 1
end

-- Opens as many lines as a limit lets through, those that waited longest first.
function limits.wake(use)
  local key = PREFIX .. "parked:" .. use.id
  local list = call("ZRANGE", key, 0, WAKE_LIMIT - 1, "WITHSCORES")
  if #list == 0 then return end
  -- What waking may use up; nothing is counted before it is taken.
  local real, woken = limits.meterOf(use), 0
  local meter = { definition = real.definition, paid = real.paid, used = real.used, till = real.till, share = real.share, whole = real.whole }
  for i = 1, #list, 2 do
    local name, cost = list[i], costIn(list[i], use)
    -- Who waits for more than there is keeps those behind from taking it away.
    if limits.roomOf(meter, cost) < 1 then
      local opens = limits.opensAt(meter, cost)
      local again = woken > 0 and clock.now + AGAIN_MS
      if opens or again then arm(use.id, math.min(opens or again, again or opens)) end
      return
    end
    meter.used = meter.used + 1
    limits.spend(meter, cost, 1)
    call("ZREM", key, name)
    woken = woken + 1
    local queue, priority, needs, tuple = string.match(name, "^([^:]*):(%d):([^:]*):(.*)$")
    limits.open(queue, priority, needs, tuple, list[i + 1])
    ledger.opened(queue, priority, needs, tuple)
  end
  if #list == 2 * WAKE_LIMIT then arm(use.id, clock.now) else call("SREM", PREFIX .. "parkedkeys:" .. use.name, use.key) end
end

-- Has a limit look at once at all that stands behind it, whatever the key.
function limits.ringAll(name)
  arm(name .. "|0", clock.now)
end

function limits.ringAt(use, due)
  arm(use.id, due)
end

-- Looks at what stands behind a limit whose timer rings: one key, or all of them, some at a time.
function limits.ring(what)
  local name, key = string.match(what, "^([^:|]*):(.*)$")
  if name then return limits.wake({ name = name, key = key, id = what, cost = 1 }) end
  local cursor
  name, cursor = string.match(what, "^([^|]*)|(%d+)$")
  if not name then return end
  local page = call("SSCAN", PREFIX .. "parkedkeys:" .. name, cursor, "COUNT", KEY_LIMIT)
  if page[1] ~= "0" then arm(name .. "|" .. page[1], clock.now) end
  for _, each in ipairs(page[2]) do limits.wake({ name = name, key = each, id = name .. ":" .. each, cost = 1 }) end
end
