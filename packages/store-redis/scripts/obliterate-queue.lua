#!lua flags=allow-oom
-- Settles the oldest ready steps of a queue as cancelled: none that came after the first call, whose number the cursor is.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 queue · 4 the number up to which entries go, or "" for all there are · 5 how many at most
-- Returns { how many were settled, the number to go on with or false }
-- include base core general take turns flush

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
  packed.fetch((take.idsOf(entries)))
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
local MOST = 500

local function sweepLimited()
  for _, member in ipairs(call("SMEMBERS", PREFIX .. "rings:" .. queue)) do
    local ring = PREFIX .. "ring:" .. queue .. ":" .. member
    for _, tuple in ipairs(call("ZRANGE", ring, 0, MOST - 1)) do
      if left > 0 and sweep(member, tuple) then call("ZREM", ring, tuple) end
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
