-- Taking in turn: where a queue has open lines under limits, they and the lines without limits are served one after the other, those first
-- that were served longest ago. All lines without limits count as one, in which the oldest goes first, as ever; the hash `turns` has
-- when those of a queue and priority were served last.

-- The most rounds of one exchange.
local ROUNDS = 100

-- The rings of queues that the session may pop, by priority; nil where there are none.
function take.ringsOf(queues)
  local byPriority, seen
  for _, queue in ipairs(queues) do
    for _, member in ipairs(seen and seen[queue] and NONE or call("SMEMBERS", PREFIX .. "rings:" .. queue)) do
      local priority, needs = string.match(member, "^(%d):(.*)$")
      if take.session.serves[needs] then
        byPriority = byPriority or {}
        local list = byPriority[priority] or {}
        byPriority[priority] = list
        list[#list + 1] = { key = PREFIX .. "ring:" .. queue .. ":" .. member, queue = queue, priority = priority, needs = needs,
          member = member, moves = {}, leaves = {} }
      end
    end
    seen = seen or {}
    seen[queue] = true
  end
  return byPriority
end

-- Some open lines of rings, those first that were served longest ago.
local function openIn(rings, most)
  local list = {}
  for _, ring in ipairs(rings) do
    local page = call("ZRANGE", ring.key, 0, most - 1, "WITHSCORES")
    if #page == 0 then call("SREM", PREFIX .. "rings:" .. ring.queue, ring.member) end
    for i = 1, #page, 2 do
      list[#list + 1] = { ring = ring, queue = ring.queue, priority = ring.priority, needs = ring.needs, tuple = page[i],
        turn = tonumber(page[i + 1]), key = PREFIX .. "line:" .. ring.queue .. ":" .. ring.member .. ":" .. page[i] }
    end
  end
  if #rings > 1 then table.sort(list, function(a, b) return a.turn < b.turn end) end
  return list
end

local function addTo(list, more)
  for i = 1, #more do list[#list + 1] = more[i] end
end

-- Pops what a line's limits let through, and counts it as taken before anybody looks at it: other lines may share them.
local function pop(line, most, popped)
  local room, refusing = limits.room(line.tuple)
  line.refusing = refusing
  if refusing then return 0 end
  local wanted = math.min(most, room)
  local entries = call("LPOP", line.key, wanted) or NONE
  if #entries > 0 then
    ledger.poppedLimited(line, #entries)
    limits.reserve(line.tuple, #entries)
  end
  line.entries, line.isDry = entries, #entries < wanted
  popped[#popped + 1] = line
  return #entries
end

-- Hands out what was popped, all read in one look; what was dropped is given back to the limits.
local function offerPopped(popped)
  local all = {}
  for _, line in ipairs(popped) do addTo(all, line.entries) end
  take.fetch(all)
  for _, line in ipairs(popped) do
    local singlesBefore, othersBefore = #singles.granted, #take.members
    if #line.entries > 0 then take.offerAll(line, line.entries, true) end
    local members = {}
    for i = singlesBefore + 1, #singles.granted, 2 do members[#members + 1] = singles.granted[i] end
    for i = othersBefore + 1, #take.members do members[#members + 1] = take.members[i] end
    line.taken = #members
    limits.hold(line.tuple, take.session.id, members, #line.entries - #members)
  end
end

-- Puts a line to the end of the others, or where its limits say.
local function putBack(line)
  local ring = line.ring
  if line.isDry or not line.refusing and call("LLEN", line.key) == 0 then
    ring.leaves[#ring.leaves + 1] = line.tuple
    return
  end
  local turn = line.taken and line.taken > 0 and tonumber(clock.nextSeq()) or line.turn
  local refusing = line.refusing or select(2, limits.room(line.tuple))
  if refusing then
    ring.leaves[#ring.leaves + 1] = line.tuple
    limits.park(line, turn, refusing)
  elseif turn ~= line.turn then
    local n = #ring.moves
    ring.moves[n + 1], ring.moves[n + 2] = turn, line.tuple
  end
end

local function flushRings(rings)
  for _, ring in ipairs(rings) do
    if #ring.leaves > 0 then callMany("ZREM", ring.key, ring.leaves) end
    if #ring.moves > 0 then callMany("ZADD", ring.key, ring.moves) end
    ring.leaves, ring.moves = {}, {}
  end
end

local function turnField(plain)
  return plain[1].queue .. ":" .. plain[1].priority
end

-- Serves each open line once; false when there was none.
local function round(plain, rings)
  local open = openIn(rings, take.slots)
  if #open == 0 then return false end
  local tuples = {}
  for i, line in ipairs(open) do tuples[i] = line.tuple end
  limits.fetch(tuples)
  local most = math.max(1, math.ceil(take.slots / (#open + (plain and 1 or 0))))
  local plainTurn = plain and (tonumber(call("HGET", PREFIX .. "turns", turnField(plain)) or "") or 0)
  local function servePlain()
    local before = take.slots
    take.mergeSome(plain, most)
    if take.slots < before then call("HSET", PREFIX .. "turns", turnField(plain), clock.nextSeq()) end
    plain = nil
  end
  if plain and plainTurn < open[1].turn then servePlain() end
  local popped, met, left = {}, {}, take.slots
  for _, line in ipairs(open) do
    if left <= 0 or take.drops >= take.DROP_LIMIT then break end
    left = left - pop(line, math.min(most, left), popped)
    met[#met + 1] = line
  end
  offerPopped(popped)
  for _, line in ipairs(met) do putBack(line) end
  if plain and take.slots > 0 and take.drops < take.DROP_LIMIT then servePlain() end
  flushRings(rings)
  return true
end

-- Takes from all lines of the queues, or from those of one priority.
function take.inTurn(queues, only)
  for priority = only or 9, only or 0, -1 do
    local letter = tostring(priority)
    for _ = 1, ROUNDS do
      if take.slots <= 0 or take.drops >= take.DROP_LIMIT then return end
      -- What was moved from one line to another is to be found in its new one.
      ledger.flushLines()
      local plain, rings = take.openLines(queues)[letter], (take.ringsOf(queues) or NONE)[letter] or NONE
      local moved = take.moved
      if not round(plain, rings) then
        if not plain then break end
        take.mergeSome(plain, take.slots)
        if take.moved == moved then break end
      end
    end
  end
end
