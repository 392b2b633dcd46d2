-- Attempts that did not succeed. In `more:<id>`, the field `!address` lists them as `fence:reason`, oldest first, and
-- `!address US fence:reason` has `worker,started,ended,E<error>` of each (`N` where there is no error). Fence and reason name an
-- attempt, so that repeating adds nothing.

local KEPT = 100

local function tokensOf(run, address)
  local list = run.past[address]
  if not list then
    list = call("HGET", runs.moreKey(run), "!" .. address) or ""
    own(run, "past")[address] = list
  end
  return list
end

local function insert(run, address, attempt)
  local token = attempt.fence .. ":" .. attempt.reason
  local list = tokensOf(run, address)
  if string.find(" " .. list .. " ", " " .. token .. " ", 1, true) then return end
  list = list == "" and token or list .. " " .. token
  local _, spaces = string.gsub(list, " ", "")
  if spaces >= KEPT then
    local oldest, rest = string.match(list, "^(%S+) (.*)$")
    call("HDEL", runs.moreKey(run), "!" .. address .. US .. oldest)
    list = rest
  end
  own(run, "past")[address] = list
  call("HSET", runs.moreKey(run), "!" .. address, list, "!" .. address .. US .. token,
    attempt.worker .. "," .. attempt.started .. "," .. (attempt.ended or clock.now) .. "," .. (attempt.error and "E" .. attempt.error or "N"))
end

function history.keep(step, reason, err)
  insert(step.run, step.address, { fence = step.fence, reason = reason, worker = step.worker, started = text(step.run.created + (step.started == "" and step.run.age or step.started)),
    error = err })
end

-- Keeps that an attempt had succeeded whose result is taken back.
function history.keepTakenBack(step)
  local created, age = step.run.created, step.run.age
  local function at(instant) return text(created + (instant == "" and age or instant)) end
  insert(step.run, step.address, { fence = step.fence, reason = "rerun", worker = step.worker, started = at(step.started), ended = at(step.ended) })
end

-- A failure that is told too late: it changes nothing but the history.
function history.keepLate(step, fence, reason, err)
  if fence == step.fence then
    -- What has ended under this very fence has been told, or was cancelled.
    if not steps.isSettled(step) then history.keep(step, reason, err) end
    return
  end
  local token = string.match(" " .. tokensOf(step.run, step.address), " (" .. fence .. ":%S+)")
  if not token then return end
  local before = call("HGET", runs.moreKey(step.run), "!" .. step.address .. US .. token)
  local worker, started = string.match(before or "", "^([^,]*),(%d+),")
  if worker then insert(step.run, step.address, { fence = fence, reason = reason, worker = worker, started = started, error = err }) end
end
