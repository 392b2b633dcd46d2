-- Dead letters: steps of tasks that failed for good. The zset `dead` has each, as `run|address`, by a number that grows with time (a
-- thousand numbers a millisecond); the hash `letters` has under the same what they are looked for by, `task US queue US reason US workflow`.
-- `lettersof:<run>` is the set of a run's, `lettercounts` counts them by task. The set `lettered` has the runs that only their letters keep.

local newest

-- Numbers grow, also where one instant has more of them than it has room for.
local function nextNumber()
  newest = newest or tonumber(call("ZRANGE", PREFIX .. "dead", 0, 0, "REV", "WITHSCORES")[2] or "0")
  newest = math.max(newest + 1, clock.now * 1000)
  return string.format("%.0f", newest)
end

local function taskOf(step)
  local needs = step.spec.needs
  return needs == "=" and step.address or needs
end

-- Notes that a task's step has failed for good.
function letters.add(step)
  local run, member, task = step.run, step.run.id .. "|" .. step.address, taskOf(step)
  if call("HEXISTS", PREFIX .. "letters", member) == 1 then return end
  run.name = run.name or call("HGET", run.key, "n")
  call("ZADD", PREFIX .. "dead", nextNumber(), member)
  call("HSET", PREFIX .. "letters", member, task .. US .. step.spec.queue .. US .. step.reason .. US .. run.name)
  call("SADD", PREFIX .. "lettersof:" .. run.id, step.address)
  call("HINCRBY", PREFIX .. "lettercounts", task, 1)
  events.add(run, "d", step.address, step.reason .. " " .. step.tries .. " " .. step.lost)
end

-- Forgets a letter; false where there is none.
function letters.drop(id, address)
  local member = id .. "|" .. address
  local about = call("HGET", PREFIX .. "letters", member)
  if not about then return false end
  local task = string.match(about, "^[^\31]*")
  call("ZREM", PREFIX .. "dead", member)
  call("HDEL", PREFIX .. "letters", member)
  call("SREM", PREFIX .. "lettersof:" .. id, address)
  if call("HINCRBY", PREFIX .. "lettercounts", task, -1) <= 0 then call("HDEL", PREFIX .. "lettercounts", task) end
  return true
end

-- True for a step with a letter that a filter fits: `floor US before US run US workflow US task US queue US reason`, each but the first
-- two empty where it does not matter.
function letters.fit(step, filter)
  local member = step.run.id .. "|" .. step.address
  local about = call("HGET", PREFIX .. "letters", member)
  if not about then return false end
  local number = tonumber(call("ZSCORE", PREFIX .. "dead", member) or "") or 0
  local task, queue, reason, workflow = unpack(splitBy(about, US))
  local floor, before, id, wantedWorkflow, wantedTask, wantedQueue, wantedReason = unpack(splitBy(filter, US))
  local function is(wanted, found) return wanted == "" or wanted == found end
  return number >= tonumber(floor) and number < tonumber(before) and is(id, step.run.id) and is(wantedWorkflow, workflow)
    and is(wantedTask, task) and is(wantedQueue, queue) and is(wantedReason, reason)
end

-- A run goes: from now on readers see it as purged.
function letters.retire(id)
  local key, run = PREFIX .. "run:" .. id, packed.get(id)
  local status = not run and call("HGET", key, "s")
  if run then
    packed.strip(run)
  elseif status then
    local state = string.sub(status, 1, 1)
    if state ~= SUCCEEDED then call("ZREM", PREFIX .. "listed:" .. state, id) end
    call("HSET", key, "s", (string.gsub(status, "^(.,.,.,%d*,%d*,%d+,%d+,%d+,.,).", "%11")))
  end
  call("RPUSH", PREFIX .. "purging", id)
end

function letters.has(id)
  return call("EXISTS", PREFIX .. "lettersof:" .. id) == 1
end

-- Forgets a letter that nobody needs any more. A run that only its letters kept goes with the last of them.
function letters.forget(id, address)
  if not letters.drop(id, address) then return false end
  if not letters.has(id) and call("SREM", PREFIX .. "lettered", id) == 1 then letters.retire(id) end
  return true
end
