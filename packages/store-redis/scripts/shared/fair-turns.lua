-- Taking in turn where tenants wait (see tenants.lua): first they take turns, each by its weight, all steps that are nobody's being one of them; then,
-- below each tenant, its lines, as lines do where nobody is a tenant.

-- How many tenants a round looks at: those whose turn it is, at the least and at the most.
local LOOK_LEAST, LOOK_MOST = 20, 1000

-- The most tags that one round forgets.
local FORGET_LIMIT = 100

local SLACK, CREEP = 1e-9, 8

local ceil, max, min, huge = math.ceil, math.max, math.min, math.huge

-- Has something take no more than some of the slots; answers how many it took.
local function some(most, serve)
  local before = take.slots
  local rest = before - min(most, before)
  take.slots = before - rest
  serve()
  take.slots = take.slots + rest
  return before - take.slots
end

-- Serves lines that are nobody's, each once.
local function serveOthers(others)
  if not take.turns.round(others.plain, others.rings) and others.plain then take.mergeSome(others.plain, take.slots) end
end

local function isOpen(others)
  return others.plain or #others.rings > 0
end

local function byTurn(a, b)
  if a.start ~= b.start then return a.start < b.start end
  if a.tag ~= b.tag then return a.tag < b.tag end
  return a.name < b.name
end

-- The tenants whose turn it is, and where those may start whom nobody has looked at.
local function pagesOf(lists, most)
  local list, byName, horizon, open = {}, {}, huge, 0
  for _, fair in ipairs(lists) do
    local page = call("ZRANGE", fair.key, 0, most - 1, "WITHSCORES")
    if #page == 0 then call("SREM", PREFIX .. "rings:" .. fair.queue, fair.member) end
    if #page == 2 * most then
      horizon = min(horizon, tonumber(page[#page]))
      open = open + call("ZCARD", fair.key)
    else
      open = open + #page / 2
    end
    for i = 1, #page, 2 do
      local name, score = page[i], tonumber(page[i + 1])
      local each = byName[name]
      if not each then
        each = { name = name, tag = score, lists = {}, scores = {}, taken = 0 }
        byName[name], list[#list + 1] = each, each
      end
      each.tag = min(each.tag, score)
      each.lists[#each.lists + 1], each.scores[#each.scores + 1] = fair, score
    end
  end
  return list, horizon, open
end

-- Reads tags, weights and the virtual time.
local function readTags(place, queue, lists, list)
  local names, fields, time = {}, {}, 0
  for i, each in ipairs(list) do names[i] = each.name end
  for i, fair in ipairs(lists) do fields[i] = place .. ":" .. fair.needs end
  fields[#fields + 1] = place
  local times = call("HMGET", PREFIX .. "times", unpack(fields))
  for i = 1, #lists do time = max(time, tonumber(times[i] or "") or 0) end
  for from = 1, #names, 1000 do
    local to = min(#names, from + 999)
    local tags = call("ZMSCORE", PREFIX .. "tags:" .. place, unpack(names, from, to))
    local weights = call("HMGET", PREFIX .. "weights:" .. queue, unpack(names, from, to))
    for i = from, to do
      local each = list[i]
      each.tag = max(each.tag, tonumber(tags[i - from + 1] or "") or 0)
      each.weight = tonumber(weights[i - from + 1] or "") or 1
      each.start = max(each.tag, time)
    end
  end
  return time, tonumber(times[#fields] or "") or 0
end

-- How many of some slots each may take: those steps that start first. Together they may be some more than there are slots.
local function share(list, slots, horizon)
  local weights, paid, till = 0, 0, -huge
  for _, each in ipairs(list) do
    if weights > 0 and each.start >= till then break end
    weights, paid = weights + each.weight, paid + each.start * each.weight
    till = (slots + paid) / weights
  end
  local over = min(till, horizon)
  for _, each in ipairs(list) do
    each.share = each.start > over and 0 or min(slots, max(1, ceil((over - each.start) * each.weight - SLACK)))
  end
end

local function byLineTurn(a, b)
  return a.turn < b.turn
end

-- The lines of a tenant that are open, those first that were served longest ago.
local function linesOf(each, most)
  local rings, lines = {}, {}
  for i, fair in ipairs(each.lists) do
    local ring, prefix = take.newRing(PREFIX .. "ring:" .. fair.id .. ":" .. each.name, fair.queue, fair.priority, fair.needs), PREFIX .. "line:" .. fair.id .. ":"
    local page = call("ZRANGE", ring.key, 0, most - 1, "WITHSCORES")
    ring.isWhole, ring.lines = #page < 2 * most, #page / 2
    for at = 1, #page, 2 do lines[#lines + 1] = take.turns.newLine(ring, page[at], prefix, tonumber(page[at + 1])) end
    rings[i] = ring
  end
  if #rings > 1 then table.sort(lines, byLineTurn) end
  each.rings, each.lines = rings, lines
end

-- Pops each tenant's part from its lines, and hands all of it out, read in one look.
local function serveTenants(list)
  local all, popped, met = {}, {}, {}
  for _, each in ipairs(list) do
    linesOf(each, each.share)
    for _, line in ipairs(each.lines) do all[#all + 1] = line end
  end
  limits.fetch(all)
  for _, each in ipairs(list) do
    local left, most = each.share, ceil(each.share / max(1, #each.lines))
    each.from = #met + 1
    for _, line in ipairs(each.lines) do
      if left <= 0 then break end
      left = left - take.turns.pop(line, min(most, left), popped)
      met[#met + 1] = line
    end
    each.till = #met
  end
  take.turns.offer(popped)
  local empty, last = take.turns.emptyOf(met), clock.nextSeq()
  for _, each in ipairs(list) do
    for i = each.from, each.till do
      each.taken = each.taken + met[i].taken
      take.turns.putBack(met[i], empty[met[i]], last)
    end
  end
end

-- Takes those out of their lists who have no open line any more.
local function closeEmpty(each)
  each.isOpen = false
  for _, ring in ipairs(each.rings) do
    local left = #ring.leaves
    take.turns.flush({ ring })
    if ring.isWhole and left < ring.lines then
      ring.isOpen = true
    elseif left > 0 or ring.lines == 0 then
      ring.isOpen = not tenants.close(ring.queue, ring.priority, ring.needs, each.name)
    else
      ring.isOpen = true
    end
    each.isOpen = each.isOpen or ring.isOpen
  end
end

-- Notes the tag of one who was served, or whose score was late.
local function moveTo(moves, fair, tag, name)
  local list = moves[fair.key]
  if not list then
    list = {}
    moves[fair.key] = list
  end
  list[#list + 1], list[#list + 2] = tag, name
end

-- Puts tags on by what each had, and scores by that.
local function writeTags(place, list)
  local tags, moves = {}, {}
  for _, each in ipairs(list) do
    local tag = each.taken > 0 and each.start + each.taken / each.weight or each.tag
    each.after = each.taken > 0 and tag or each.start
    if each.taken > 0 then tags[#tags + 1], tags[#tags + 2] = tag, each.name end
    for i, fair in ipairs(each.lists) do
      local ring = each.rings and each.rings[i]
      if tag > each.scores[i] and (not ring or ring.isOpen) then moveTo(moves, fair, tag, each.name) end
    end
  end
  if #tags > 0 then callMany("ZADD", PREFIX .. "tags:" .. place, tags) end
  for key, changes in pairs(moves) do callMany("ZADD", key, changes) end
end

-- The virtual time after a round: see virtualAfter in core's tenant-turns.ts.
local function timeAfter(time, list, open)
  local taken, weights, last, behind = 0, 0, -huge, huge
  for _, each in ipairs(list) do
    taken, weights = taken + each.taken, weights + each.weight
    if each.taken > 0 then last = max(last, each.after - 1 / each.weight) end
    if each.isOpen then behind = min(behind, each.after) end
  end
  if taken == 0 then return time end
  return max(time + taken * #list / (CREEP * max(open, #list) * weights), min(last, behind))
end

local function writeTime(place, lists, before, time, latest)
  if time == before then return end
  local fields = time > latest and { place, time } or {}
  for _, fair in ipairs(lists) do fields[#fields + 1], fields[#fields + 2] = place .. ":" .. fair.needs, time end
  callMany("HSET", PREFIX .. "times", fields)
  tenants.forgetTimes()
  -- Tags that say nothing any more.
  local old = call("ZCOUNT", PREFIX .. "tags:" .. place, "-inf", time)
  if old > 0 then call("ZREMRANGEBYRANK", PREFIX .. "tags:" .. place, 0, min(old, FORGET_LIMIT) - 1) end
end

-- Gives each tenant of a queue its part of the slots, and answers whether there was any; `lists` are those of its priority, `others` what is nobody's.
local function serveQueue(queue, priority, lists, others)
  local place, slots = queue .. ":" .. priority, take.slots
  local list, horizon, open = pagesOf(lists, min(LOOK_MOST, max(LOOK_LEAST, slots)))
  local nobody = isOpen(others) and { name = "", tag = 0, lists = NONE, scores = NONE, taken = 0 }
  if nobody then list[#list + 1] = nobody end
  local hasAny = #list > (nobody and 1 or 0)
  if #list == 0 then return false end
  local time, latest = readTags(place, queue, lists, list)
  table.sort(list, byTurn)
  share(list, slots, max(horizon, time))
  local served, left = {}, slots
  for _, each in ipairs(list) do
    each.isOpen, each.share = true, min(each.share, left)
    left = left - each.share
    if each.share > 0 and each ~= nobody then served[#served + 1] = each end
  end
  serveTenants(served)
  for _, each in ipairs(served) do closeEmpty(each) end
  if nobody and nobody.share > 0 and take.drops < take.DROP_LIMIT then
    nobody.taken = some(nobody.share, function() serveOthers(others) end)
    nobody.isOpen = nobody.taken == nobody.share
  end
  writeTags(place, list)
  writeTime(place, lists, time, timeAfter(time, list, open), latest)
  return hasAny
end

local function ofQueue(lines, queue)
  local own = {}
  for _, line in ipairs(lines or NONE) do
    if line.queue == queue then own[#own + 1] = line end
  end
  return own
end

-- What of some lines and rings is of one queue; it is taken out of the others.
local function othersOf(queue, plain, rings)
  local own = ofQueue(plain, queue)
  return { plain = #own > 0 and own or nil, rings = ofQueue(rings, queue) }
end

-- One round of a priority: queues with tenants, and all others together, are served in turn. False where there was nothing to serve.
function take.fairly(queues, priority, plain, rings)
  local groups, fields, rest = {}, {}, { plain = {}, rings = {} }
  local seen = {}
  for _, queue in ipairs(queues) do
    local lists = not seen[queue] and rings.fair[queue]
    local others = not seen[queue] and othersOf(queue, plain, rings)
    seen[queue] = true
    if lists then
      groups[#groups + 1] = { queue = queue, lists = lists, others = others }
    elseif others then
      for _, line in ipairs(others.plain or NONE) do rest.plain[#rest.plain + 1] = line end
      for _, ring in ipairs(others.rings) do rest.rings[#rest.rings + 1] = ring end
    end
  end
  if #rest.plain == 0 then rest.plain = nil end
  if isOpen(rest) then groups[#groups + 1] = { queue = "", others = rest } end
  local before, moved, hadAny = take.slots, take.moved, false
  if #groups == 1 then
    hadAny = serveQueue(groups[1].queue, priority, groups[1].lists, groups[1].others)
    return hadAny or take.slots < before or take.moved > moved
  end
  for i, group in ipairs(groups) do fields[i] = "+" .. group.queue .. ":" .. priority end
  local turns = call("HMGET", PREFIX .. "turns", unpack(fields))
  for i, group in ipairs(groups) do group.turn, group.field = tonumber(turns[i] or "") or 0, fields[i] end
  table.sort(groups, byLineTurn)
  local most = ceil(take.slots / #groups)
  for _, group in ipairs(groups) do
    if take.slots <= 0 or take.drops >= take.DROP_LIMIT then return true end
    local taken = some(most, function()
      if not group.lists then return serveOthers(group.others) end
      hadAny = serveQueue(group.queue, priority, group.lists, group.others) or hadAny
    end)
    if taken > 0 then call("HSET", PREFIX .. "turns", group.field, clock.nextSeq()) end
  end
  return hadAny or take.slots < before or take.moved > moved
end
