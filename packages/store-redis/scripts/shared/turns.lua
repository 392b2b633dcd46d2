-- Taking in turn: where a queue has open lines under limits, they and the lines without limits are served one after the other, those first
-- that were served longest ago. All lines without limits count as one, in which the oldest goes first, as ever; the hash `turns` has
-- when those of a queue and priority were served last.

-- The most rounds of one exchange.
local ROUNDS = 100

-- A ring, which has what its lines have in common.
function take.newRing(key, queue, priority, needs)
  local ring = { key = key, queue = queue, priority = priority, needs = needs, member = priority .. ":" .. needs, moves = {}, leaves = {}, popped = 0 }
  ring.ring, ring.meta = ring, { __index = ring }
  return ring
end

-- An open line of a ring.
local function newLine(ring, tuple, prefix, turn)
  return setmetatable({ tuple = tuple, key = prefix .. tuple, turn = turn, uses = false, entry = false, entries = false, refusing = false, taken = 0 }, ring.meta)
end

-- A list of tenants: what fair-turns.lua goes by.
local function addTenants(list, queue, priority, needs, member)
  local id = queue .. ":" .. priority .. ":" .. needs
  list.fair = list.fair or {}
  local lists = list.fair[queue] or {}
  list.fair[queue] = lists
  lists[#lists + 1] = { key = PREFIX .. "tenants:" .. id, id = id, queue = queue, priority = priority, needs = needs, member = member }
end

-- The rings of queues that the session may pop, by priority; nil where there are none.
function take.ringsOf(queues)
  local byPriority, seen
  for _, queue in ipairs(queues) do
    for _, member in ipairs(seen and seen[queue] and NONE or call("SMEMBERS", PREFIX .. "rings:" .. queue)) do
      local priority, needs, isFair = string.match(member, "^(%d):([^:]*)(:?)$")
      if take.session.serves[needs] then
        byPriority = byPriority or {}
        local list = byPriority[priority] or {}
        byPriority[priority] = list
        if isFair == ":" then
          addTenants(list, queue, priority, needs, member)
        else
          list[#list + 1] = take.newRing(PREFIX .. "ring:" .. queue .. ":" .. member, queue, priority, needs)
        end
      end
    end
    seen = seen or {}
    seen[queue] = true
  end
  return byPriority
end

-- Some open lines of rings, those first that were served longest ago. Their turns are read only where something is to be compared.
local function openIn(rings, most, hasOthers)
  local list, areCompared = {}, hasOthers or #rings > 1
  for _, ring in ipairs(rings) do
    local page = areCompared and call("ZRANGE", ring.key, 0, most - 1, "WITHSCORES") or call("ZRANGE", ring.key, 0, most - 1)
    if #page == 0 then call("SREM", PREFIX .. "rings:" .. ring.queue, ring.member) end
    local prefix = PREFIX .. "line:" .. ring.queue .. ":" .. ring.member .. ":"
    for i = 1, #page, areCompared and 2 or 1 do
      list[#list + 1] = newLine(ring, page[i], prefix, areCompared and tonumber(page[i + 1]))
    end
  end
  if #rings > 1 then table.sort(list, function(a, b) return a.turn < b.turn end) end
  return list
end

-- Pops what a line's limits let through, and counts it as taken before anybody looks at it: other lines may share them.
local function pop(line, most, popped)
  local room, refusing = limits.room(line.uses)
  if refusing then
    line.refusing = refusing
    return 0
  end
  local n = 0
  if most == 1 or room == 1 then
    -- So it goes where lines are many.
    local entry = call("LPOP", line.key)
    if entry then n, line.entry = 1, entry end
  else
    most = math.min(most, room)
    local entries = call("LPOP", line.key, most)
    if entries then n, line.entries = #entries, entries end
  end
  if n < most and room > n then line.isDry = true end
  if n == 0 then return 0 end
  local ring = line.ring
  ring.popped = ring.popped + n
  limits.reserve(line.uses, n)
  popped[#popped + 1] = line
  return n
end

-- Hands out several entries of a line, or one that is no single.
local function offerEntries(line, entries)
  local singlesBefore, othersBefore = #singles.granted, #take.members
  take.offerAll(line, entries, true)
  local id = take.session.id
  for i = singlesBefore + 1, #singles.granted, 2 do limits.hold(line.uses, id, singles.granted[i]) end
  for i = othersBefore + 1, #take.members do limits.hold(line.uses, id, take.members[i]) end
  line.taken = (#singles.granted - singlesBefore) / 2 + #take.members - othersBefore
end

local function offerOne(line, entry)
  local isHandled, isTaken = false, false
  if #entry == singles.ID_LENGTH then isHandled, isTaken = singles.takeOne(take.session, entry, line) end
  if not isHandled then return offerEntries(line, { entry }) end
  if not isTaken then return end
  line.taken, take.slots = 1, take.slots - 1
  limits.hold(line.uses, take.session.id, entry)
end

-- Hands out what was popped, all read in one look; what was dropped is given back to the limits.
local function offerPopped(popped)
  local all, n = {}, 0
  for i = 1, #popped do
    local line = popped[i]
    if line.entry then
      n = n + 1
      all[n] = line.entry
    else
      for j = 1, #line.entries do all[n + j] = line.entries[j] end
      n = n + #line.entries
    end
  end
  take.fetch(all)
  for i = 1, #popped do
    local line, dropped = popped[i]
    if line.entry then
      offerOne(line, line.entry)
      dropped = 1 - line.taken
    else
      offerEntries(line, line.entries)
      dropped = #line.entries - line.taken
    end
    if dropped > 0 then limits.reserve(line.uses, -dropped) end
  end
end

-- Which lines have no entries left; asked of all in one look, as most often all have some, or none has.
local function emptyOf(lines)
  local keys, empty = {}, {}
  for _, line in ipairs(lines) do
    if line.isDry then
      empty[line] = true
    elseif not line.refusing then
      keys[#keys + 1] = line.key
    end
  end
  local left = #keys > 0 and call("EXISTS", unpack(keys)) or 0
  if left == #keys then return empty end
  for _, line in ipairs(lines) do
    if not line.refusing and (left == 0 or call("EXISTS", line.key) == 0) then empty[line] = true end
  end
  return empty
end

-- Puts a line to the end of the others, or where its limits say; `last` is the turn of all that were served in this round.
local function putBack(line, isEmpty, last)
  local ring = line.ring
  if isEmpty then
    ring.leaves[#ring.leaves + 1] = line.tuple
    return
  end
  local turn = line.taken > 0 and last or line.turn
  -- Who refused may have room by now: what others had popped, and was moved to another line, counts no more.
  local refusing = select(2, limits.room(line.uses))
  if refusing then
    ring.leaves[#ring.leaves + 1] = line.tuple
    limits.park(line, turn or call("ZSCORE", ring.key, line.tuple) or last, refusing)
  elseif line.taken > 0 then
    local n = #ring.moves
    ring.moves[n + 1], ring.moves[n + 2] = turn, line.tuple
  end
end

local function flushRings(rings)
  for _, ring in ipairs(rings) do
    if #ring.leaves > 0 then callMany("ZREM", ring.key, ring.leaves) end
    if #ring.moves > 0 then callMany("ZADD", ring.key, ring.moves) end
    if ring.popped > 0 then ledger.poppedLimited(ring, ring.popped) end
    ring.leaves, ring.moves, ring.popped = {}, {}, 0
  end
end

local function turnField(plain)
  return plain[1].queue .. ":" .. plain[1].priority
end

-- Serves each open line once; false when there was none.
local function round(plain, rings)
  local open = openIn(rings, take.slots, plain)
  if #open == 0 then return false end
  limits.fetch(open)
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
  local empty, last = emptyOf(met), clock.nextSeq()
  for i = 1, #met do
    local line = met[i]
    putBack(line, empty[line], last)
  end
  if plain and take.slots > 0 and take.drops < take.DROP_LIMIT then servePlain() end
  flushRings(rings)
  return true
end

-- Takes from all lines of the queues, or from those of one priority.
function take.inTurn(queues, only)
  local plain, rings
  for priority = only or 9, only or 0, -1 do
    local letter = tostring(priority)
    for _ = 1, ROUNDS do
      if take.slots <= 0 or take.drops >= take.DROP_LIMIT then return end
      -- What was moved from one line to another is to be found in its new one.
      if ledger.flushLines() or not plain then
        plain, rings = take.openLines(queues), take.ringsOf(queues) or NONE
      end
      local moved = take.moved
      if rings[letter] and rings[letter].fair then
        if not take.fairly(queues, letter, plain[letter], rings[letter]) then break end
        -- What was drained takes no part in the next round.
        plain = nil
      elseif not round(plain[letter], rings[letter] or NONE) then
        if not plain[letter] then break end
        take.mergeSome(plain[letter], take.slots)
        if take.moved == moved then break end
      end
    end
  end
end

-- What fair-turns.lua does below tenants.
take.turns = { round = round, newLine = newLine, pop = pop, offer = offerPopped, emptyOf = emptyOf, putBack = putBack, flush = flushRings }
