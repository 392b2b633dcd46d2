-- Taking steps from lines. Entries are popped from a line's old end, and whatever does not match its record any more goes by the
-- way, so nothing is ever searched for in the middle.

-- A session is granted singles (see singles.lua), steps of packed runs, as text that is told as it is, and steps of other runs.
-- `places` has for each that is no single what it is, p or o, and after how many singles it came.

-- How many entries one exchange may drop or move before it answers with what it has, and the most steps it hands out.
local DROP_LIMIT, GRANT_LIMIT = 500, 1000
take.DROP_LIMIT = DROP_LIMIT

take.steps, take.places, take.packed, take.members = {}, {}, {}, {}
-- Of those of the steps that are told beside others like them, in the same places.
take.addresses, take.reads = {}, {}
take.drops, take.slots, take.control, take.hasSettled, take.moved = 0, 0, 0, false, 0
-- What the texts have in common, told once: plan, address, needs, priority and reads, joined by US.
take.heads = {}
-- How many steps came from the lines of each queue that was asked for with a weight; the sessions of the exchange's own role where that is capped.
take.taken, take.crew = {}, false

-- Prepares for a session; `queues` is joined by US.
function take.begin(who, slots, control, inline, queues, weights)
  take.session, take.inline = who, inline
  -- Nothing is left to a worker that takes nothing any more.
  take.isLeaving = queues == ""
  take.slots, take.control = math.min(slots, GRANT_LIMIT), math.min(control, GRANT_LIMIT)
  -- Whatever else decides what is taken, nothing of a paused queue is.
  take.queues = queues == "" and {} or splitBy(queues, US)
  if clock.steered then take.queues = steering.unpaused(take.queues) end
  take.asked = weights ~= "" and splitBy(queues, US)
  take.weights = take.asked and splitBy(weights, ",")
  take.joins = {}
  if clock.isCapped and who.role then roles.begin(who.role) end
  for _, queue in ipairs(take.queues) do take.joins[queue] = true end
end

local function serves(needs)
  return take.session.serves[needs]
end

local function popped(line, n)
  if line.near then ledger.poppedLimited(line, n) else ledger.popped(line.queue, line.priority, line.needs, n) end
end

local function close(line)
  call("SREM", line.index, line.member)
end

-- Takes from one line.
local function drain(line, what)
  while take[what] > 0 and take.drops < DROP_LIMIT do
    local most = math.min(take[what], DROP_LIMIT)
    local entries = call("LPOP", line.key, most)
    if not entries then return close(line) end
    popped(line, #entries)
    take.offerAll(line, entries)
    if #entries < most then return close(line) end
  end
end

-- Takes the oldest first of several lines of one priority.
local function merge(lines, what)
  for _, line in ipairs(lines) do
    line.page, line.at, line.taken = call("LRANGE", line.key, 0, take[what] - 1), 1, 0
    take.fetch(line.page)
  end
  while take[what] > 0 and take.drops < DROP_LIMIT do
    local oldest, least
    for _, line in ipairs(lines) do
      if line.page[line.at] == nil and line.at > 1 then
        line.page, line.at = call("LRANGE", line.key, line.taken, line.taken + 99), 1
        take.fetch(line.page)
      end
      local seq = line.page[line.at] and tonumber((take.readEntry(line, line.page[line.at])))
      if seq and (not least or seq < least) then oldest, least = line, seq end
    end
    if not oldest then break end
    local entry = oldest.page[oldest.at]
    oldest.at, oldest.taken = oldest.at + 1, oldest.taken + 1
    if not take.offer(oldest, entry) then take.drops = take.drops + 1 end
  end
  for _, line in ipairs(lines) do
    if line.taken > 0 then
      call("LPOP", line.key, line.taken)
      popped(line, line.taken)
    end
    if call("EXISTS", line.key) == 0 then close(line) end
  end
end

-- Takes from the lines of one priority. What sticks to the session's own worker goes before all else.
local function takeLines(lines, what)
  local first
  if clock.isSticky then first, lines = sticky.apart(lines) end
  for _, some in ipairs({ first or NONE, lines }) do
    if #some == 1 then drain(some[1], what) elseif #some > 1 then merge(some, what) end
  end
end

-- The lines without limits that the session may pop, by priority.
local function openLines(queues)
  local byPriority, seen = {}, {}
  for _, queue in ipairs(queues) do
    local index = PREFIX .. "lines:" .. queue
    for _, member in ipairs(seen[queue] and {} or call("SMEMBERS", index)) do
      local priority, needs = string.match(member, "^(%d):(.*)$")
      if serves(needs) then
        local list = byPriority[priority] or {}
        byPriority[priority] = list
        list[#list + 1] = { key = PREFIX .. "line:" .. queue .. ":" .. priority .. ":" .. needs, index = index, member = member,
          queue = queue, priority = priority, needs = needs }
      end
    end
    seen[queue] = true
  end
  if clock.isSticky then sticky.addLines(byPriority, queues, take.session) end
  return byPriority
end

take.openLines = openLines

-- As they stand in keys: to make a text of a number costs as much as a command.
local PRIORITIES = { "9", "8", "7", "6", "5", "4", "3", "2", "1", "0" }

-- Takes from the lines without limits of queues together, the highest priority first.
function take.fromPlain(queues, what)
  if take[what] <= 0 then return end
  local byPriority = openLines(queues)
  for i = 1, #PRIORITIES do
    local lines = byPriority[PRIORITIES[i]]
    if lines then takeLines(lines, what) end
  end
end

-- Takes of queues together, the highest priority first.
function take.together(queues)
  if limits.isOn and take.ringsOf(queues) then return take.inTurn(queues) end
  take.fromPlain(queues, "slots")
  if take.moved > 0 then take.inTurn(queues) end
end

-- Takes steps to run.
local function takeRuns()
  if take.weights then
    take.byWeight()
  elseif take.slots > 0 then
    if clock.steered then take.apart(take.queues) else take.together(take.queues) end
  end
end

-- Control work goes first, and once more where a popped step was settled.
function take.fromLines()
  take.hasReported = true
  if limits.isOn then limits.settle() end
  ledger.flushLines()
  take.fromPlain({ "" }, "control")
  takeRuns()
  if take.hasSettled then
    ledger.flushLines()
    take.fromPlain({ "" }, "control")
  end
  if take.crew then roles.passOn() end
end

-- rarely: steps of runs that are no singles, and weighted queues

-- Where a packed run has no value.
local ABSENT = "\28"

-- Notes a grant that is no single's: after how many of those it came, and whether it is of a packed run.
local function place(letter, member)
  local members, before = take.members, #singles.granted
  local n = #members + 1
  members[n], take.places[n] = member, before == 0 and letter or letter .. before / 2
end

-- A step of a packed run, granted: head, run, traceparent and tags, then a value for each key that it reads.
function take.addPacked(id, kind, step, member, outputs)
  local head = kind.heads[step.address]
  if not head then
    head = #take.heads .. ""
    take.heads[head + 1] = kinds.headOf(kind, step.address)
    kind.heads[step.address] = head
  end
  local list, needles = take.packed, step.needles
  local n = #list + 3
  list[n - 2], list[n - 1], list[n] = head, id, kind.extras and packed.extrasOf(id) or US
  for i = 1, #needles do list[n + i] = packed.valueOf(id, needles[i], outputs) or ABSENT end
  place("p", member)
  take.slots = take.slots - 1
end

-- A step inside a map that is told beside others like it: in the place of the step stands what they have in common, see members.lua.
function take.addMember(taking, address, reads, member)
  local n = #take.steps + 1
  take.steps[n], take.addresses[n], take.reads[n] = taking, address, reads
  place("o", member)
  take.slots = take.slots - 1
end

function take.grant(step)
  lease.grant(step, take.session)
  take.steps[#take.steps + 1] = step
  place("o", lease.memberOf(step))
  if step.phase == RUN then take.slots = take.slots - 1 else take.control = take.control - 1 end
end

-- True where a step that has just become ready is to be taken at once, past the line.
function take.inlines(needs, queue)
  if not (take.inline and take.slots > 0 and take.joins[queue] and serves(needs)) then return false end
  -- One that a limit may hold back stands in its line like all others.
  return not limits.isOn or not limits.mayLimit(needs, queue)
end

function take.takeInline(step)
  if not take.inlines(steps.needsOf(step), step.spec.queue) then return false end
  -- It stands in no line: that it is started without having been ready says so for good.
  step.readyAt, step.due = "", ready.expiryOf(step)
  take.grant(step)
  return true
end

-- Takes at most so many of several lines of one priority.
function take.mergeSome(lines, most)
  local rest = take.slots - math.min(most, take.slots)
  take.slots = take.slots - rest
  takeLines(lines, "slots")
  take.slots = take.slots + rest
end
