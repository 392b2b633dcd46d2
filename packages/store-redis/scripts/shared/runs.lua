-- Runs. The hash `run:<id>` holds all that is small: h what never changes, s what does, p plan, n name, f fingerprint, g tags,
-- x traceparent, m sessions with mail about it; its plain steps (`@address`), small values (`=key`), bodies (`#address`) and
-- counts (`+<state>name`). `more:<id>` holds what is large or many: steps inside maps, large values, attempts.
--
-- A script loads each run once, changes it in memory, and writes it once, in runs.flush.

runs.known = {}

local HEAD = "^(.),(%d+),(.),(%d+),(%d+),([^,]*),(%d+),(%d+)$"
local STATUS = "^(.),(.),(.),(%d*),(%d*),(%d+),(%d+),(%d+),(.),(.),(.*)$"

local function instant(text, base)
  return text ~= "" and base + text or nil
end

local function offset(ms, base)
  return ms and ms - base or ""
end

-- A run from its fields h and s. `text` is s; without it nothing has happened yet.
function runs.adopt(id, head, status)
  local kind, number, mode, priority, created, keep, members, inline = string.match(head, HEAD)
  local run = { id = id, key = PREFIX .. "run:" .. id, more = PREFIX .. "more:" .. id, kind = kind, number = number, mode = mode,
    priority = priority, created = tonumber(created), keep = keep, inline = tonumber(inline), holders = {}, held = 0,
    steps = {}, writes = {}, inner = {}, order = {}, put = {}, counts = {}, tally = {}, past = {}, bodies = {} }
  local state, cancelling, stopped, started, ended, settled, failed, halted, epilogue, purged, holders = string.match(status, STATUS)
  run.state, run.cancelling, run.stopped, run.purged = state, cancelling == "1", stopped == "1", purged == "1"
  run.started, run.ended = instant(started, run.created), instant(ended, run.created)
  run.body = { members = tonumber(members), settled = tonumber(settled), failed = tonumber(failed), halted = tonumber(halted),
    epilogue = epilogue }
  if holders ~= "" then
    for session, n in string.gmatch(holders, "([^ :]+):(%d+)") do
      run.holders[session] = tonumber(n)
      run.held = run.held + n
    end
  end
  runs.known[id] = run
  return run
end

-- A run and one of its steps, in one look; nil when there is no such run.
function runs.get(id, address)
  local run = runs.known[id]
  if run ~= nil then return run end
  local found = call("HMGET", PREFIX .. "run:" .. id, "h", "s", "@" .. (address or ""))
  if not found[1] then return nil end
  run = runs.adopt(id, found[1], found[2])
  if address and found[3] then steps.adopt(run, address, found[3]) end
  return run
end

local function describe(run, plan, tags, traceparent)
  run.plan, run.tags, run.traceparent = plan, tags or "", traceparent or ""
end

-- The same for a step of which something is about to be handed out: what every grant tells of the run comes along.
function runs.getForGrant(id, address)
  local run = runs.known[id]
  if run ~= nil then return run end
  local found = call("HMGET", PREFIX .. "run:" .. id, "h", "s", "@" .. address, "p", "g", "x", "=:input")
  if not found[1] then return nil end
  run = runs.adopt(id, found[1], found[2])
  describe(run, found[4], found[5], found[6])
  if found[7] then run.put[":input"] = found[7] end
  if found[3] then steps.adopt(run, address, found[3]) end
  return run
end

-- Makes sure that it is known what every grant tells of a run.
function runs.describe(run)
  if run.plan then return end
  local found = call("HMGET", run.key, "p", "g", "x")
  describe(run, found[1], found[2], found[3])
end

local function statusOf(run)
  local holders = {}
  for session, n in pairs(run.holders) do holders[#holders + 1] = session .. ":" .. n end
  local body, base = run.body, run.created
  return run.state .. "," .. (run.cancelling and 1 or 0) .. "," .. (run.stopped and 1 or 0) .. "," .. offset(run.started, base)
    .. "," .. offset(run.ended, base) .. "," .. body.settled .. "," .. body.failed .. "," .. body.halted .. "," .. body.epilogue
    .. "," .. (run.purged and 1 or 0) .. "," .. table.concat(holders, " ")
end

local function flushOne(run)
  local writes, inner = run.writes, run.inner
  for address, step in pairs(run.steps) do
    if step and step.dirty then
      local into = step.mapped and inner or writes
      local n = #into
      into[n + 1], into[n + 2] = "@" .. address, steps.format(step)
    end
  end
  for address, body in pairs(run.bodies) do
    if body.dirty then
      local into = bodies.isInner(address) and inner or writes
      local n = #into
      into[n + 1], into[n + 2] = "#" .. address, bodies.format(body)
    end
  end
  if run.dirty or run.body.dirty then
    local n = #writes
    writes[n + 1], writes[n + 2] = "s", statusOf(run)
  end
  if #writes > 0 then callMany("HSET", run.key, writes) end
  if #inner > 0 then callMany("HSET", run.more, inner) end
  if #run.order > 0 then callMany("ZADD", PREFIX .. "order:" .. run.id, run.order) end
  for name, n in pairs(run.counts) do
    if n ~= 0 then call("HINCRBY", run.key, name, n) end
  end
end

-- Writes all that has changed, and ends the cancelled runs whose last lease is gone.
function runs.flush()
  for _, run in pairs(runs.known) do
    if run.cancelling and run.held == 0 then settle.endRun(run, CANCELLED) end
  end
  for _, run in pairs(runs.known) do
    flushOne(run)
    if not run.ended then events.sumUp(run) end
  end
end
