-- Sessions. The hash `session:<id>` has state (open; closing and lost while its steps go back, at no cost or at that of a loss;
-- over when it holds none), worker, serves, queues and its lease; the zset `sessions` has all open ones by their expiry, the sets
-- `host:<host>` and `worker:<name>` those of one host and name, `role:<role>` those of one role until they are over; `leaving` is the set of those whose steps are on their way back.

-- How long an ended session's record and lanes are kept, for calls that are repeated.
local REMEMBERED_MS = 3600000
session.REMEMBERED_MS = REMEMBERED_MS

-- A session, and whether it lives: past its time it still does as long as nobody has found it lost.
function session.find(id)
  local found = call("HMGET", PREFIX .. "session:" .. id, "state", "worker", "serves", "beats", "role", "sets")
  if not found[1] then return nil end
  if not found[4] then lease.silent[id] = true end
  -- What is served is looked up in one text, each need once.
  local list = found[3]
  local serves = setmetatable({ [""] = true }, { __index = function(known, needs)
    local does = string.find(list, "\n" .. needs .. "\n", 1, true) ~= nil
    known[needs] = does
    return does
  end })
  return { id = id, alive = found[1] == "open", worker = found[2], role = found[5], sets = found[6], serves = serves,
    mark = "," .. id .. "," .. found[2] .. "," }
end

function session.leave(id, state)
  local key = PREFIX .. "session:" .. id
  call("HSET", key, "state", state, "ended", clock.now)
  for _, set in ipairs(splitBy(call("HGET", key, "sets") or "", US)) do call("SREM", PREFIX .. set, id) end
  call("ZREM", PREFIX .. "sessions", id)
  call("SADD", PREFIX .. "leaving", id)
  if clock.isSticky then sticky.letGo(sticky.workerOf(id)) end
  if limits.isOn then limits.passOn(id) end
end

-- A session that holds nothing any more is over.
function session.over(id)
  local key = PREFIX .. "session:" .. id
  call("HSET", key, "state", "over")
  local role = call("HGET", key, "role")
  if role then call("SREM", PREFIX .. "role:" .. role, id) end
  call("PEXPIRE", key, REMEMBERED_MS)
  call("PEXPIRE", PREFIX .. "lanes:" .. id, REMEMBERED_MS)
  call("SREM", PREFIX .. "leaving", id)
  call("DEL", PREFIX .. "mail:" .. id, PREFIX .. "beats:" .. id)
  for _, queue in ipairs(splitBy(call("HGET", key, "idle") or "", US)) do call("ZREM", PREFIX .. "idle:" .. queue, id) end
end

-- Does something with each step that a session holds, which has to end its lease, up to a limit; true when there are more.
-- The oldest run goes first: a set has no order, and what is given back stands in its line in the order of this loop.
function session.returnHeld(id, limit, act)
  local key = PREFIX .. "held:" .. id
  local members = call("SSCAN", key, 0, "COUNT", limit)[2]
  table.sort(members)
  local n = 0
  for _, member in ipairs(members) do
    if n == limit then return true end
    n = n + 1
    local run, address = lease.read(member)
    local step = report.stepBehind(run, address)
    if step and step.session == id then act(step) else lease.strike(id, member) end
  end
  return n < call("SCARD", key)
end

-- A session's mail. It is delivered again with each exchange and renewal until the run has ended; that it was told only keeps
-- `listen` from waking up for it again.
function session.mail(id)
  local key = PREFIX .. "mail:" .. id
  local found = call("HGETALL", key)
  local letters = {}
  for i = 1, #found, 2 do letters[#letters + 1] = { run = found[i], told = tonumber(found[i + 1]) } end
  -- Where not all of it fits, what was told least goes first; only then has that to be counted beyond the first time.
  local isFull = #letters >= 500
  if isFull then
    table.sort(letters, function(a, b)
      if a.told ~= b.told then return a.told < b.told end
      return a.run < b.run
    end)
  end
  local mail = {}
  for i = 1, math.min(#letters, 500) do
    local letter = letters[i]
    mail[i] = letter.run
    if letter.told == 0 or isFull then call("HSET", key, letter.run, tostring(letter.told + 1)) end
  end
  return mail
end
