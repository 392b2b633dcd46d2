-- Sticky steps. One that is let go by a task stands, for as long as it is sticky, in a line of the worker that ran the task, which only sessions of
-- that name pop: the list `near:<worker>:<queue>:<priority>:<ms>`, with entries as in all lines. `nears:<worker>:<queue>` has the open ones of
-- these as `<priority>:<ms>`, the set `sticky` all that have a timer as `<worker>:<queue>:<priority>:<ms>`; a worker is called there as its set of
-- open sessions is, `worker:<worker>`. All entries of such a line wait equally long, so they are due in the order in which they stand: one timer, `0|@|`
-- and the line, is enough, and moves what is due to the line of all, with its number. Their entries count in `depths`.
--
-- A step keeps the worker that it sticks to behind what it keeps of its limits, until it is taken to run.

-- The most entries that one script moves.
local MOVE_LIMIT = 500
local left = MOVE_LIMIT

local function arm(name, due)
  call("ZADD", PREFIX .. "timers", due, "000000000000000|@|" .. name)
end

local function isOpen(worker)
  return call("EXISTS", PREFIX .. "worker:" .. worker) == 1
end

-- How the worker of a session is called in keys.
function sticky.workerOf(session)
  return string.match(call("HGET", PREFIX .. "session:" .. session, "sets") or "", "worker:(.*)$")
end

-- Notes which worker ran the task whose end lets a step go.
function sticky.stickTo(step, parent)
  step.near, step.dirty = parent.ranBy and sticky.workerOf(parent.ranBy) or nil, true
end

-- A line that has got its first entries is open, and has a timer.
local function opened(line, n)
  if call("LLEN", line.key) > n then return end
  if not clock.isSticky then
    call("HSET", KEYS[1], "sticky", "1")
    clock.isSticky = true
  end
  call("SADD", PREFIX .. "nears:" .. line.worker .. ":" .. line.queue, line.priority .. ":" .. line.within)
  call("SADD", PREFIX .. "sticky", line.name)
  arm(line.name, clock.now + line.within)
end

-- Wakes as many sessions of the worker that listen as there are entries.
local function wake(line)
  local rest = line.n
  for _, session in ipairs(call("SRANDMEMBER", PREFIX .. "worker:" .. line.worker, 100)) do
    if rest <= 0 then return end
    if call("ZREM", PREFIX .. "idle:" .. line.queue, session) == 1 then
      local known = call("HMGET", PREFIX .. "session:" .. session, "box", "idle")
      if known[1] then ledger.rouse(session, known[1], line.queue, known[2]) end
      rest = rest - 1
    end
  end
end

local function lineOf(name)
  local worker, queue, priority, within = string.match(name, "^([^:]*):([^:]*):(%d):(%d+)$")
  return { key = PREFIX .. "near:" .. name, name = name, worker = worker, queue = queue, priority = priority, within = tonumber(within), needs = "",
    n = 0, near = opened, wake = wake, index = PREFIX .. "nears:" .. worker .. ":" .. queue, member = priority .. ":" .. within }
end

-- Puts a step into the line of the worker that it sticks to; false where that has no open session.
function sticky.push(step)
  if not isOpen(step.near) then
    step.near = nil
    return false
  end
  local name = step.near .. ":" .. step.spec.queue .. ":" .. steps.priorityOf(step) .. ":" .. text(step.spec.sticky)
  ledger.pushNear(lineOf(name), step.seq .. "|" .. step.run.id .. "|" .. step.address)
  return true
end

-- Adds the lines of a session's own worker to those that it may pop.
function sticky.addLines(byPriority, queues, who)
  local worker, seen = string.match(who.sets or "", "worker:(.*)$"), { [""] = true }
  for _, queue in ipairs(worker and queues or NONE) do
    for _, member in ipairs(seen[queue] and NONE or call("SMEMBERS", PREFIX .. "nears:" .. worker .. ":" .. queue)) do
      local line = lineOf(worker .. ":" .. queue .. ":" .. member)
      local list = byPriority[line.priority] or {}
      byPriority[line.priority] = list
      list[#list + 1] = line
    end
    seen[queue] = true
  end
end

-- Some lines, those of workers apart from all others.
function sticky.apart(lines)
  local near, others = {}, {}
  for _, line in ipairs(lines) do
    local list = line.near and near or others
    list[#list + 1] = line
  end
  return near, others
end

-- All lines of workers, those of one queue, or those of one worker.
function sticky.lines(queue, worker)
  local list = {}
  for _, name in ipairs(call("SMEMBERS", PREFIX .. "sticky")) do
    local line = lineOf(name)
    if (not queue or line.queue == queue) and (not worker or line.worker == worker) then list[#list + 1] = line end
  end
  return list
end

-- The step behind an entry, where it still waits there.
local function waiting(entry)
  local seq, id, address = string.match(entry, "^(-?%d+)|([^|]*)|(.*)$")
  local run = runs.get(id, address)
  local step = run and not run.ended and steps.get(run, address)
  return step and step.seq == seq and step
end

-- Moves what has waited long enough for its worker, or whose worker is gone; answers how many.
function sticky.ring(name)
  local line = lineOf(name)
  local isGone, moved = not isOpen(line.worker), 0
  local page = call("LRANGE", line.key, 0, math.max(left, 1) - 1)
  for _, entry in ipairs(left > 0 and page or NONE) do
    local step = waiting(entry)
    local due = step and step.run.created + step.readyAt + line.within
    if step and not isGone and due > clock.now then
      page = NONE
      arm(name, due)
      break
    end
    moved = moved + 1
    if step then ledger.push(line.queue, line.priority, "", step.seq, step.run.id, step.address) end
  end
  left = left - moved
  if moved > 0 then
    call("LPOP", line.key, moved)
    ledger.poppedLimited(line, moved)
  end
  if call("EXISTS", line.key) == 0 then
    call("SREM", line.index, line.member)
    call("SREM", PREFIX .. "sticky", name)
    call("ZREM", PREFIX .. "timers", "000000000000000|@|" .. name)
  elseif page ~= NONE then
    arm(name, clock.now)
  end
  return moved
end

-- What sticks to a worker of which no session is open any more is for all, at once as far as one script goes.
function sticky.letGo(worker)
  if not worker or isOpen(worker) then return end
  for _, line in ipairs(sticky.lines(nil, worker)) do sticky.ring(line.name) end
end

-- Has those who listen look at what stands in the lines of workers, as if it had just come.
function sticky.reopen(queue)
  for _, line in ipairs(sticky.lines(queue)) do ledger.tellAgain(line) end
end
