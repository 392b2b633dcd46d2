-- Lines and queues. A line is the list `line:<queue>:<priority>:<needs>` with entries `seq|run|address` (of singles the run alone); `lines:<queue>` is the
-- set of the open ones, each as `<priority>:<needs>`. The control lines are those of the queue "". The hash `queues` counts
-- running steps by queue, and is the list of all queues that there were.

local running, pushes, pushed = {}, {}, {}
local MINUS = string.byte("-")
-- How many entries each line has gained or, below zero, lost.
local grown = {}

local function lineOf(queue, priority, needs)
  local key = PREFIX .. "line:" .. queue .. ":" .. priority .. ":" .. needs
  local line = grown[key]
  if not line then
    line = { key = key, queue = queue, priority = priority, needs = needs, n = 0 }
    grown[key] = line
  end
  return line
end

function ledger.push(queue, priority, needs, seq, run, address)
  ledger.pushEntry(queue, priority, needs, seq .. "|" .. run .. "|" .. address)
end

function ledger.pushEntry(queue, priority, needs, entry)
  local line = lineOf(queue, priority, needs)
  local entries = pushes[line]
  if not entries then
    entries = { first = {} }
    pushes[line] = entries
    pushed[#pushed + 1] = line
  end
  -- One whose number is below zero goes before all others.
  local list = string.byte(entry) == MINUS and entries.first or entries
  list[#list + 1] = entry
  line.n = line.n + 1
end

-- A popped entry: what came and went in one script is nothing to wake others for.
function ledger.popped(queue, priority, needs, n)
  local line = lineOf(queue, priority, needs)
  line.n = line.n - n
end

function ledger.running(queue, n)
  running[queue] = (running[queue] or 0) + n
end

-- Writes the entries that were pushed so far, in the order in which their lines were first met.
function ledger.flushLines()
  for _, line in ipairs(pushed) do
    local entries = pushes[line]
    if #entries > 0 then callMany("RPUSH", line.key, entries) end
    if #entries.first > 0 then callMany("LPUSH", line.key, entries.first) end
    call("SADD", PREFIX .. "lines:" .. line.queue, line.priority .. ":" .. line.needs)
    if line.queue ~= "" then running[line.queue] = running[line.queue] or 0 end
  end
  pushes, pushed = {}, {}
end

local function serves(session, needs)
  return needs == "" or string.find(session, "\n" .. needs .. "\n", 1, true) ~= nil
end

-- Tells one session that there is something for it.
function ledger.post(session, box)
  call("RPUSH", box, session)
  call("PEXPIRE", box, 60000)
end

-- Takes sessions that listen to a queue, the last that came first, and wakes those that may pop the line.
local function wake(line)
  local idle = PREFIX .. "idle:" .. line.queue
  local found = call("ZPOPMAX", idle, math.min(line.n, 50))
  for i = 1, #found, 2 do
    local session = found[i]
    local known = call("HMGET", PREFIX .. "session:" .. session, "serves", "box", "idle")
    if known[1] and known[2] then
      if not serves(known[1], line.needs) then
        call("ZADD", idle, found[i + 1], session)
      else
        for _, queue in ipairs(splitBy(known[3] or "", US)) do
          if queue ~= line.queue then call("ZREM", PREFIX .. "idle:" .. queue, session) end
        end
        ledger.post(session, known[2])
      end
    end
  end
end

-- Has those who listen to a queue look at all that stands in it, as if it had just come.
function ledger.reopen(queue)
  for _, member in ipairs(call("SMEMBERS", PREFIX .. "lines:" .. queue)) do
    local priority, needs = string.match(member, "^(%d):(.*)$")
    local line = lineOf(queue, priority, needs)
    line.n = line.n + call("LLEN", line.key)
  end
end

function ledger.flush()
  ledger.flushLines()
  for queue, n in pairs(running) do call("HINCRBY", PREFIX .. "queues", queue, n) end
  for _, line in pairs(grown) do
    if line.n > 0 and not (clock.steered and steering.isPaused(line.queue)) then wake(line) end
  end
end
