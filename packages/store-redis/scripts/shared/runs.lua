-- Runs. The hash `run:<id>` holds all that is small: h what never changes, s what does, p plan, n name, f fingerprint, g tags,
-- x traceparent, m sessions with mail about it, d its deadline in milliseconds from its submission (with ! before it once it has passed); its plain steps (`@address` and `$address`), small values (`=key`), bodies
-- (`#address`) and counts (`+<state>name`). `more:<id>` holds what is large or many: steps inside maps, large values, attempts.
--
-- A script loads each run once, changes it in memory, and writes it once, in runs.flush. What is only copied stays the text
-- that it was read as: instants (as milliseconds since the submission), and `holders`, the sessions that hold steps of the run, as
-- `session:count` with blanks between. Before these stands with `;`, where a rerun has taken steps away, the fence with which new ones begin.

runs.known = {}

local HEAD = "^(%d+),.,%d+,(.),(%d+),([^,]*),(%d+),(%d+)$"
local STATUS = "^(.),(.),(.),(%d*),(%d*),(%d+),(%d+),(%d+),(.),(.),(.*)$"

-- A run from its fields h and s.
function runs.adopt(id, head, status)
  local created, mode, priority, keep, members, inline = string.match(head, HEAD)
  local state, cancelling, stopped, started, ended, settled, failed, halted, epilogue, purged, holders = string.match(status, STATUS)
  local fences
  if string.find(holders, ";", 1, true) then fences, holders = string.match(holders, "^(%d+);(.*)$") end
  created = tonumber(created)
  local run = { id = id, key = PREFIX .. "run:" .. id, mode = mode, priority = priority, created = created, keep = keep,
    inline = tonumber(inline), state = state, cancelling = cancelling == "1", stopped = stopped == "1", started = started,
    ended = ended ~= "" and ended, purged = purged == "1", holders = holders, fences = tonumber(fences or 0), age = text(clock.now - created), dirty = false,
    body = { members = tonumber(members), settled = tonumber(settled), failed = tonumber(failed), halted = tonumber(halted),
      epilogue = epilogue, dirty = false },
    head = head, plan = false, tags = false, traceparent = false, steps = {}, put = NONE, writes = NONE, inner = NONE, order = NONE,
    counts = NONE, tally = NONE, past = NONE, bodies = NONE, records = NONE, alike = NONE }
  runs.known[id] = run
  return run
end

function runs.moreKey(run)
  return PREFIX .. "more:" .. run.id
end

-- A run that was met before, or that is packed.
local function atHand(id)
  local run = runs.known[id]
  if run ~= nil then return run end
  local record = packed.get(id)
  return record and runs.unpack(record)
end

-- A run and one of its steps, in one look; nil when there is no such run.
function runs.get(id, address)
  local run = atHand(id)
  if run then return run end
  local found = call("HMGET", PREFIX .. "run:" .. id, "h", "s", "@" .. (address or ""), "$" .. (address or ""))
  if not found[1] then return nil end
  run = runs.adopt(id, found[1], found[2])
  if address and found[3] then steps.adopt(run, address, found[3], found[4]) end
  return run
end

local function describe(run, plan, tags, traceparent)
  run.plan, run.tags, run.traceparent = plan, tags or "", traceparent or ""
end

-- The same for a step of which something is about to be handed out: what every grant tells of the run comes along.
function runs.getForGrant(id, address)
  local run = atHand(id)
  if run then return run end
  local found = call("HMGET", PREFIX .. "run:" .. id, "h", "s", "@" .. address, "$" .. address, "p", "g", "x", "=:input")
  if not found[1] then return nil end
  run = runs.adopt(id, found[1], found[2])
  describe(run, found[5], found[6], found[7])
  if found[8] then run.put = { [":input"] = found[8] } end
  if found[3] then steps.adopt(run, address, found[3], found[4]) end
  return run
end

function runs.planOf(run)
  run.plan = run.plan or call("HGET", run.key, "p")
  return run.plan
end

-- Makes sure that it is known what every grant tells of a run.
function runs.describe(run)
  if run.tags then return end
  local found = call("HMGET", run.key, "p", "g", "x")
  describe(run, found[1], found[2], found[3])
end

-- A lease more (n = 1) or less (n = -1) of a session on the run's steps.
function runs.hold(run, session, n)
  local holds = run.holds
  if not holds then
    holds = {}
    for each, count in string.gmatch(run.holders, "([^ :]+):(%d+)") do
      holds[#holds + 1], holds[each] = each, tonumber(count)
    end
    run.holds = holds
  end
  if not holds[session] then holds[#holds + 1], holds[session] = session, 0 end
  holds[session] = holds[session] + n
  run.holders, run.dirty = false, true
end

-- The sessions that hold steps of a run, as text.
function runs.holdersOf(run)
  if run.holders then return run.holders end
  local list = {}
  for _, session in ipairs(run.holds) do
    local n = run.holds[session]
    if n > 0 then list[#list + 1] = session .. ":" .. text(n) end
  end
  run.holders = table.concat(list, " ")
  return run.holders
end

local function statusOf(run)
  local body = run.body
  return run.state .. (run.cancelling and ",1," or ",0,") .. (run.stopped and "1," or "0,") .. run.started .. "," .. (run.ended or "")
    .. "," .. text(body.settled) .. "," .. text(body.failed) .. "," .. text(body.halted) .. "," .. body.epilogue
    .. (run.purged and ",1," or ",0,") .. (run.fences > 0 and text(run.fences) .. ";" or "") .. runs.holdersOf(run)
end

local function flushOne(run)
  if run.packed and not runs.leave(run) then return end
  for address, step in pairs(run.steps) do
    if step and step.dirty then
      local into, isShared = own(run, step.mapped and "inner" or "writes"), not step.isFresh
      if not isShared and step.mapped then
        step.template = specs.templateOf(runs.planOf(run), address, step.specText)
        isShared = step.template
      end
      local n = #into
      into[n + 1], into[n + 2] = "@" .. address, steps.format(step)
      if not isShared and (step.mapped or not specs.share(runs.planOf(run), address, step.specText)) then
        into[n + 3], into[n + 4] = "$" .. address, step.specText
      end
    end
  end
  if run.bodies ~= NONE then
    shares.write(run)
    for address, body in pairs(run.bodies) do
      if body.dirty then
        local into = own(run, bodies.isInner(address) and "inner" or "writes")
        local n = #into
        into[n + 1], into[n + 2] = "#" .. address, bodies.format(body)
      end
    end
  end
  local writes = run.writes
  if run.dirty or run.body.dirty then
    writes = own(run, "writes")
    local n = #writes
    writes[n + 1], writes[n + 2] = "s", statusOf(run)
  end
  local n = #writes
  if n > 1000 then callMany("HSET", run.key, writes) elseif n > 0 then call("HSET", run.key, unpack(writes)) end
  if run.inner ~= NONE then callMany("HSET", runs.moreKey(run), run.inner) end
  if run.order ~= NONE then callMany("ZADD", PREFIX .. "order:" .. run.id, run.order) end
  if run.counts ~= NONE then
    for name, count in pairs(run.counts) do
      if count ~= 0 then call("HINCRBY", run.key, name, count) end
    end
  end
end

-- Writes all that has changed, and ends the cancelled runs whose last lease is gone.
function runs.flush()
  for _, run in pairs(runs.known) do
    if run.cancelling and runs.holdersOf(run) == "" then settle.endRun(run, CANCELLED) end
    flushOne(run)
    if not run.ended then events.sumUp(run) end
  end
end
