-- Lines and queues. A line is the list `line:<queue>:<priority>:<needs>` with entries `seq|run|address` (of singles the run alone); `lines:<queue>` is the
-- set of the open ones, each as `<priority>:<needs>`. A line under limits has its tuple behind that (see limits.lua), and stands among others
-- of that kind (see parking.lua); the hash `depths` counts the entries of those by queue and priority. The control lines are those of the queue "". The hash `queues` counts
-- running steps by queue, and is the list of all queues that there were.

local running, pushes, pushed = {}, {}, {}
local MINUS = string.byte("-")
-- How many entries of a line are looked at for the place of one that goes first, and how many idle sessions for one that may pop a line.
local FRONT_LIMIT, IDLE_LIMIT = 500, 100
-- How many entries each line has gained or, below zero, lost.
local grown = {}
local depths = {}

function ledger.lineOf(queue, priority, needs, tuple)
  local key = PREFIX .. "line:" .. queue .. ":" .. priority .. ":" .. needs
  if tuple and tuple ~= "" then key = key .. ":" .. tuple else tuple = nil end
  local line = grown[key]
  if not line then
    line = { key = key, queue = queue, priority = priority, needs = needs, tuple = tuple, n = 0 }
    grown[key] = line
  end
  return line
end

local lineOf = ledger.lineOf

-- Of lines under limits, which may be many, the entries are counted by queue and priority.
local function deepen(line, n)
  local field = line.queue .. ":" .. line.priority
  depths[field] = (depths[field] or 0) + n
end

function ledger.push(queue, priority, needs, seq, run, address, tuple)
  ledger.pushEntry(queue, priority, needs, seq .. "|" .. run .. "|" .. address, tuple)
end

function ledger.pushEntry(queue, priority, needs, entry, tuple)
  ledger.pushTo(lineOf(queue, priority, needs, tuple), entry)
end

function ledger.pushTo(line, entry)
  local entries = pushes[line]
  if not entries then
    entries = {}
    pushes[line] = entries
    pushed[#pushed + 1] = line
  end
  -- One whose number is below zero goes before all others.
  if string.byte(entry) == MINUS then
    entries.first = entries.first or {}
    entries = entries.first
  end
  entries[#entries + 1] = entry
  line.n = line.n + 1
end

-- Puts an entry at the end of a line that knows by itself what that means: `near`, and whom to wake: `wake` (see sticky.lua).
function ledger.pushNear(line, entry)
  local known = grown[line.key]
  if not known then
    grown[line.key], known = line, line
  end
  if not pushes[known] then
    pushes[known] = {}
    pushed[#pushed + 1] = known
  end
  table.insert(pushes[known], entry)
  known.n = known.n + 1
end

-- A popped entry: what came and went in one script is nothing to wake others for.
function ledger.popped(queue, priority, needs, n)
  local line = lineOf(queue, priority, needs)
  line.n = line.n - n
end

-- The same of a line under limits, or of several that have queue and priority in common.
function ledger.poppedLimited(line, n)
  deepen(line, -n)
end

-- A line that its limit let go: one more may be popped from.
function ledger.opened(queue, priority, needs, tuple)
  local line = lineOf(queue, priority, needs, tuple)
  line.n = line.n + 1
end

function ledger.running(queue, n)
  running[queue] = (running[queue] or 0) + n
end

local function numberOf(entry)
  return tonumber(string.match(entry, "^(-?%d+)|")) or 0
end

local function isGreater(a, b)
  return numberOf(a) > numberOf(b)
end

-- Puts entries before all others of their line, the least number first. What is moved there belongs behind what was moved before.
local function putFirst(key, entries)
  table.sort(entries, isGreater)
  local greatest = numberOf(entries[1])
  for _ = 1, FRONT_LIMIT do
    local head = call("LINDEX", key, 0)
    if not head or numberOf(head) > greatest then break end
    entries[#entries + 1] = call("LPOP", key)
  end
  table.sort(entries, isGreater)
  callMany("LPUSH", key, entries)
end

-- Writes the entries that were pushed so far, in the order in which their lines were first met; true where there were any. Lines that are
-- opened at the end, when nothing is taken any more, stay open.
local function writeLines(isEnd)
  if limits.isOn then limits.flushOpened() end
  if #pushed == 0 then return false end
  for _, line in ipairs(pushed) do
    local entries, length = pushes[line], 0
    local n, first = #entries, entries.first
    for from = 1, n, 1000 do
      length = call("RPUSH", line.key, unpack(entries, from, math.min(n, from + 999)))
    end
    if first then
      n = n + #first
      putFirst(line.key, first)
      length = call("LLEN", line.key)
    end
    if line.near then
      deepen(line, n)
      line.near(line, n)
    elseif line.tuple then
      deepen(line, n)
      -- Any other stands in its ring already, or is parked.
      if length == n then
        line.isOpen = isEnd
        limits.open(line.queue, line.priority, line.needs, line.tuple, limits.nextTurn())
      end
    else
      call("SADD", PREFIX .. "lines:" .. line.queue, line.priority .. ":" .. line.needs)
    end
    if line.queue ~= "" then running[line.queue] = running[line.queue] or 0 end
  end
  pushes, pushed = {}, {}
  if limits.isOn then limits.flushOpened() end
  return true
end

function ledger.flushLines()
  return writeLines(false)
end

local function serves(session, needs)
  return needs == "" or string.find(session, "\n" .. needs .. "\n", 1, true) ~= nil
end

-- Tells one session that there is something for it.
function ledger.post(session, box)
  call("RPUSH", box, session)
  call("PEXPIRE", box, 60000)
end

-- Has those who listen look at a line as if all of it had just come.
function ledger.tellAgain(line)
  grown[line.key] = grown[line.key] or line
  local known = grown[line.key]
  known.n = known.n + call("LLEN", line.key)
end

-- Tells a session, which stands among the idle ones of a queue no longer, to look; `queues` are all those of which it does.
function ledger.rouse(session, box, queue, queues)
  for _, other in ipairs(splitBy(queues or "", US)) do
    if other ~= queue then call("ZREM", PREFIX .. "idle:" .. other, session) end
  end
  ledger.post(session, box)
end

-- Has another session look that listens, whatever for: all stand in the line for control work.
function ledger.rouseOther(than)
  for _ = 1, IDLE_LIMIT do
    local session = call("ZPOPMAX", PREFIX .. "idle:")[1]
    if not session then return end
    local known = call("HMGET", PREFIX .. "session:" .. session, "state", "box", "idle")
    if session ~= than and known[1] == "open" and known[2] then return ledger.rouse(session, known[2], "", known[3]) end
  end
end

-- Takes sessions that listen to a queue, the last that came first, and wakes as many as there are entries; those that may not pop the
-- line go back, so that they do not hide those that may. False where there is nobody left.
local function wake(line)
  local idle, left, looked, others = PREFIX .. "idle:" .. line.queue, line.n, 0, {}
  while left > 0 and looked < IDLE_LIMIT do
    local found = call("ZPOPMAX", idle, math.min(left, IDLE_LIMIT - looked))
    if #found == 0 then break end
    looked = looked + #found / 2
    for i = 1, #found, 2 do
      local session = found[i]
      local known = call("HMGET", PREFIX .. "session:" .. session, "serves", "box", "idle")
      if known[1] and known[2] then
        if serves(known[1], line.needs) then
          ledger.rouse(session, known[2], line.queue, known[3])
          left = left - 1
        else
          others[#others + 1], others[#others + 2] = found[i + 1], session
        end
      end
    end
  end
  if #others > 0 then callMany("ZADD", idle, others) end
  return left == 0 or #others > 0
end

-- Has those who listen to a queue look at all that stands in it, as if it had just come.
function ledger.reopen(queue)
  for _, member in ipairs(call("SMEMBERS", PREFIX .. "lines:" .. queue)) do
    local priority, needs = string.match(member, "^(%d):(.*)$")
    local line = lineOf(queue, priority, needs)
    line.n = line.n + call("LLEN", line.key)
  end
  for _, member in ipairs(limits.isOn and call("SMEMBERS", PREFIX .. "rings:" .. queue) or NONE) do
    local priority, needs, isFair = string.match(member, "^(%d):([^:]*)(:?)$")
    local ring = PREFIX .. "ring:" .. queue .. ":" .. member
    for _, tenant in ipairs(isFair == "" and { "" } or call("ZRANGE", PREFIX .. "tenants:" .. queue .. ":" .. priority .. ":" .. needs, 0, 49)) do
      for _, tuple in ipairs(call("ZRANGE", ring .. tenant, 0, 49)) do ledger.opened(queue, priority, needs, tuple) end
    end
  end
end

local function isOpen(line)
  return line.isOpen or call("ZSCORE", (tenants.ringOf(line.queue, line.priority, line.needs, line.tuple)), line.tuple) ~= false
end

function ledger.flush()
  writeLines(true)
  for queue, n in pairs(running) do call("HINCRBY", PREFIX .. "queues", queue, n) end
  for field, n in pairs(depths) do
    if n ~= 0 then call("HINCRBY", PREFIX .. "depths", field, n) end
  end
  -- Lines may be many, and those who listen few.
  local mayListen = {}
  for _, line in pairs(grown) do
    -- One that is parked is nothing to wake anybody for, however long it has grown.
    if line.n > 0 and (line.wake or mayListen[line.queue] ~= false) and not (clock.steered and steering.isPaused(line.queue))
      and (not line.tuple or isOpen(line)) then
      if line.wake then line.wake(line) else mayListen[line.queue] = wake(line) end
    end
  end
end
