#!lua flags=allow-oom
-- Settles the oldest ready steps of a queue as cancelled: none that came after the first call, whose number the cursor is.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 queue · 4 the number up to which entries go, or "" for all there are · 5 how many at most
-- Returns { how many were settled, the number to go on with or false }
-- include base core general take offers turns flush

local queue, upTo = ARGV[3], tonumber(ARGV[4]) or tonumber(clock.nextSeq())
local left, removed = tonumber(ARGV[5]), 0

-- Entries that nobody waits behind any more just go.
local function remove(id, address, seq)
  local run = runs.get(id, address)
  local step = run and steps.get(run, address)
  if not step or step.seq ~= seq or run.ended then return end
  settle.step(step, CANCELLED, run.cancelling and "cancelled" or "obliterated")
  removed = removed + 1
end

-- Removes entries of one line, from its old end up to the first that is too young; true when it is empty then.
local function sweepLine(line, isCounted)
  local key = line.key
  local entries = call("LRANGE", key, 0, left - 1)
  packed.fetchWhole(take.idsOf(entries))
  local n = 0
  for _, entry in ipairs(entries) do
    local seq, _, id, address = take.readEntry(line, entry)
    if tonumber(seq) > upTo then break end
    n = n + 1
    remove(id, address, seq)
  end
  if n == 0 then return #entries == 0 end
  call("LPOP", key, n)
  if isCounted then ledger.poppedLimited(line, n) else ledger.popped(queue, line.priority, line.needs, n) end
  left = left - n
  return call("EXISTS", key) == 0
end

local function sweep(member, tuple)
  local priority, needs = string.match(member, "^(%d):(.*)$")
  local key = PREFIX .. "line:" .. queue .. ":" .. member .. (tuple and ":" .. tuple or "")
  return sweepLine({ key = key, queue = queue, priority = priority, needs = needs }, tuple)
end

-- Lines under limits, the open ones of which stand in rings, and the others are parked on a limit: of each list the first so many.
local MOST, PAGES = 500, 20

local function sweepRing(member, ring)
  for _, tuple in ipairs(call("ZRANGE", ring, 0, MOST - 1)) do
    if left > 0 and sweep(member, tuple) then call("ZREM", ring, tuple) end
  end
end

-- Those of tenants, each in a ring of its own: the first so many, of which those go by the way that have nothing left.
local function sweepTenants(member)
  local priority, needs = string.match(member, "^(%d):(.*)$")
  local list, at = PREFIX .. "tenants:" .. queue .. ":" .. member, 0
  for _ = 1, PAGES do
    local page = left > 0 and call("ZRANGE", list, at, at + MOST - 1) or NONE
    for _, tenant in ipairs(page) do
      if left > 0 then
        sweepRing(member, PREFIX .. "ring:" .. queue .. ":" .. member .. ":" .. tenant)
        if not tenants.close(queue, priority, needs, tenant) then at = at + 1 end
      end
    end
    if #page < MOST then return end
  end
end

local function sweepLimited()
  for _, member in ipairs(call("SMEMBERS", PREFIX .. "rings:" .. queue)) do
    local ring = PREFIX .. "ring:" .. queue .. ":" .. member
    if string.sub(member, -1) == ":" then
      sweepTenants(string.sub(member, 1, -2))
    else
      sweepRing(member, ring)
    end
  end
  for _, name in ipairs(call("HKEYS", PREFIX .. "limits")) do
    for _, key in ipairs(call("SSCAN", PREFIX .. "parkedkeys:" .. name, 0, "COUNT", MOST)[2]) do
      local parked = PREFIX .. "parked:" .. name .. ":" .. key
      for _, line in ipairs(call("ZRANGE", parked, 0, MOST - 1)) do
        local own, member, tuple = string.match(line, "^([^:]*):(%d:[^:]*):(.*)$")
        if left > 0 and own == queue and sweep(member, tuple) then call("ZREM", parked, line) end
      end
    end
  end
end

local index = PREFIX .. "lines:" .. queue
for _, member in ipairs(call("SMEMBERS", index)) do
  if left > 0 and sweep(member) then call("SREM", index, member) end
end
if limits.isOn and left > 0 then sweepLimited() end
for _, line in ipairs(clock.isSticky and sticky.lines(queue) or NONE) do
  if left > 0 and sweepLine(line, true) then call("SREM", line.index, line.member) end
end
flushAll(ARGV[2])
return { removed, left <= 0 and text(upTo) }
