-- Weighted queues: each priority has its share of what is taken, twice as large as that of the next lower one. This is start-time fair
-- queueing, of which core's fair-share.ts has the law. The hash `levels` has, by queue, how far each priority is ahead of the others, `priority=n`
-- joined by commas, those left out that are not. One that has nothing which the session may pop costs no turn. Asked for only where any queue is set.

-- What a turn of each priority takes.
local COST = {}
for level = 0, 9 do COST[level] = 2 ^ (9 - level) end

local function read(queue)
  local ahead, kept = {}, call("HGET", PREFIX .. "levels", queue) or ""
  for level = 0, 9 do ahead[level] = 0 end
  for level, n in string.gmatch(kept, "(%d)=(%d+)") do ahead[tonumber(level)] = tonumber(n) end
  return ahead, kept
end

local function write(queue, ahead, kept)
  local list = {}
  for level = 0, 9 do
    if ahead[level] > 0 then list[#list + 1] = level .. "=" .. string.format("%.0f", ahead[level]) end
  end
  local now = table.concat(list, ",")
  if now == kept then return end
  if now == "" then call("HDEL", PREFIX .. "levels", queue) else call("HSET", PREFIX .. "levels", queue, now) end
end

-- How many of the next turns each of the open ones gets; of equals the highest goes first.
local function turnsOf(ahead, open, n)
  local counts, starts, list = {}, {}, {}
  for level = 9, 0, -1 do
    if open[level] then list[#list + 1], starts[level], counts[level] = level, ahead[level], 0 end
  end
  if #list == 1 then return { [list[1]] = n } end
  for _ = 1, n do
    local first = list[1]
    for i = 2, #list do
      if starts[list[i]] < starts[first] then first = list[i] end
    end
    counts[first], starts[first] = counts[first] + 1, starts[first] + COST[first]
  end
  return counts
end

-- How far all are ahead once they have had so many turns.
local function serve(ahead, taken)
  local now = 0
  for level, n in pairs(taken) do
    ahead[level] = ahead[level] + n * COST[level]
    if n > 0 then now = math.max(now, ahead[level] - COST[level]) end
  end
  for level = 0, 9 do ahead[level] = math.max(0, ahead[level] - now) end
end

-- Takes at most so many of one priority; answers how many.
local function takeOf(queues, level, plain, rings, most)
  local rest, moved = take.slots - most, take.moved
  take.slots = most
  if rings then
    take.inTurn(queues, level)
  else
    take.mergeSome(plain, most)
    if take.moved > moved then take.inTurn(queues, level) end
  end
  local taken = most - take.slots
  take.slots = rest + take.slots
  return taken
end

-- Takes from a weighted queue.
function levels.take(queue)
  local queues = { queue }
  local plain, rings = take.openLines(queues), limits.isOn and take.ringsOf(queues) or NONE
  local open = {}
  for level = 0, 9 do open[level] = (plain[text(level)] or rings[text(level)]) and true end
  if not next(open) then return end
  local ahead, kept = read(queue)
  while take.slots > 0 and take.drops < take.DROP_LIMIT and next(open) do
    local wanted, taken = turnsOf(ahead, open, take.slots), {}
    for level = 9, 0, -1 do
      local n, letter = wanted[level] or 0, text(level)
      if n > 0 then
        taken[level] = takeOf(queues, level, plain[letter], rings[letter], n)
        if taken[level] < n then open[level] = nil end
      end
    end
    serve(ahead, taken)
  end
  write(queue, ahead, kept)
end
