#!lua flags=allow-oom
-- Says whether there is something for a session; if not, it stands among the idle ones, and is posted to by whoever makes work.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 session · 3 the mailbox to post to, "" to stand among the idle ones no longer · 4 queues joined by US
-- Returns -1 when there is something or the session is not open, else { ms until the next timer or false, 1 where it keeps its place until a letter comes,
--      0 where that depends on how full its role is }
-- include base clock
-- later steering roles

local id = ARGV[2]
local key = PREFIX .. "session:" .. id
local found = call("HMGET", key, "state", "serves", "idle", "role", "sets")
if found[1] ~= "open" then return -1 end

local queues = splitBy(ARGV[4] == "" and "" or US .. ARGV[4], US)
if ARGV[3] == "" then
  for _, queue in ipairs(splitBy(found[3] or "", US)) do call("ZREM", PREFIX .. "idle:" .. queue, id) end
  return -1
end

-- Of a role that is full only control work is for it, and it waits for room instead of steps.
if clock.isCapped and found[4] and roles.isFull(found[4]) then queues = { "", "role:" .. found[4] } end
for _, queue in ipairs(steering.unpaused(queues)) do
  for _, member in ipairs(call("SMEMBERS", PREFIX .. "lines:" .. queue)) do
    local needs = string.match(member, "^%d:(.*)$")
    local fits = needs == "" or string.find(found[2], "\n" .. needs .. "\n", 1, true)
    if fits and call("EXISTS", PREFIX .. "line:" .. queue .. ":" .. member) == 1 then return -1 end
  end
end
for _, queue in ipairs(clock.isLimited and queues or {}) do
  for _, member in ipairs(call("SMEMBERS", PREFIX .. "rings:" .. queue)) do
    local needs = string.match(member, "^%d:(.*)$")
    local fits = string.find(found[2], "\n" .. needs .. "\n", 1, true)
    if fits and call("EXISTS", PREFIX .. "ring:" .. queue .. ":" .. member) == 1 then return -1 end
  end
end
-- What is left to its worker, which may be asked for by any session of that name.
local worker = clock.isSticky and string.match(found[5], "worker:(.*)$")
for _, queue in ipairs(worker and steering.unpaused(queues) or {}) do
  for _, member in ipairs(call("SMEMBERS", PREFIX .. "nears:" .. worker .. ":" .. queue)) do
    if call("EXISTS", PREFIX .. "near:" .. worker .. ":" .. queue .. ":" .. member) == 1 then return -1 end
  end
end
for _, told in ipairs(call("HVALS", PREFIX .. "mail:" .. id)) do
  if told == "0" then return -1 end
end

-- Whoever listens to less than before must not be called for the rest.
local all = table.concat(queues, US)
if found[3] and found[3] ~= all then
  for _, queue in ipairs(splitBy(found[3], US)) do call("ZREM", PREFIX .. "idle:" .. queue, id) end
end

-- Idle by the server's own time: who has not come again for ten seconds is gone.
local seconds = tonumber(call("TIME")[1])
for _, queue in ipairs(queues) do
  local idle = PREFIX .. "idle:" .. queue
  call("ZREMRANGEBYSCORE", idle, "-inf", seconds - 10)
  call("ZADD", idle, seconds, id)
end
call("HSET", key, "box", ARGV[3], "idle", all)
return { clock.nextDueMs(), clock.isCapped and 0 or 1 }
