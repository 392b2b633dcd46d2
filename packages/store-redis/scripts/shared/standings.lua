-- Standings: how a packed run stands, as its progress begins; packed.lua has the form. A standing says nothing of the run itself, so runs of one
-- workflow that one exchange made ready, or took, stand alike: what becomes of a standing is worked out once in a script, and then holds for
-- all of them.

local byte, find, sub, match = string.byte, string.find, string.sub, string.match
local STANDING = "^([rs])(........)(%d+),(%d*),(%d*)(\29.*)$"

-- The most steps that one success may make ready in a packed run.
local MOST_NEXT = 100

local known = {}

-- A standing from its text; those that are alike are the same. False where it cannot be read.
function standings.read(text)
  local standing = known[text]
  if standing ~= nil then return standing end
  local state, name, settled, started, ended, live = match(text, STANDING)
  local kind = state and kinds.get(name)
  standing = kind and { text = text, state = state, kind = kind, settled = settled + 0, started = started, ended = ended,
    live = live, takes = {}, ends = {}, endsFull = {} } or false
  known[text] = standing
  return standing
end

local function toStanding(kind, state, settled, started, ended, live)
  local text = state .. kind.id .. settled .. "," .. started .. "," .. ended .. live
  return standings.read(text)
end

local beginnings = {}

-- How a run begins: the steps that it begins with are ready. False for a record of another kind.
function standings.beginning(record)
  if type(record) ~= "string" or byte(record) ~= packed.LETTER then return false end
  local name = sub(record, 2, 9)
  local standing = beginnings[name]
  if standing == nil then
    local kind, live = kinds.get(name), GS
    for i, address in ipairs(kind and kind.entries or NONE) do live = live .. "r" .. address .. ",0:" .. i - 1 .. "," .. GS end
    standing = live ~= GS and toStanding(kind, "r", 0, "", "", live)
    beginnings[name] = standing
  end
  return standing
end

-- What becomes of a standing when a step is taken: how it stands then, or what the session lacks. False where this is no case for packed
-- runs.
local function takingOf(who, standing, address)
  local kind, live = standing.kind, standing.live
  local from, to = find(live, GS .. "r" .. address .. ",", 1, true)
  local step = from and kinds.stepOf(kind, address)
  if not step then return false end
  if kind.says or limits.isOn and limits.mayLimit(step.needs, step.queue) then return false end
  local ready = match(live, "^%d+:%d+,(%d*)", to + 1)
  local taking = { queue = step.queue, step = step, member = "|" .. address .. "|1" }
  if not who.serves[step.needs] then
    taking.lacks = step.needs
    return taking
  end
  local started = standing.started == "" and clock.text or standing.started
  live = sub(live, 1, from) .. "x" .. address .. who.mark .. ready .. "," .. clock.now - started .. sub(live, (find(live, GS, to + 1, true)))
  taking.text = toStanding(kind, standing.state, standing.settled, started, standing.ended, live).text
  return taking
end

-- What becomes of it when the step behind an entry that ends with `after` is taken; see above.
function standings.taking(who, standing, after)
  local taking = standing.takes[after]
  if taking == nil then
    taking = takingOf(who, standing, sub(after, 2))
    standing.takes[after] = taking
  end
  return taking
end

-- True where the steps that follow are plain ones that a success makes ready; asked once of each step and plan.
local function arePlain(kind, list)
  -- A standing names all steps that are ready: with many of them each taking would rewrite a long one.
  if #list > MOST_NEXT then return false end
  for i = 1, #list do
    local each = list[i]
    if each.plainIn ~= kind.plan then
      local isPlain = specs.isPlain(each.spec) and not find(each.address, "%[%d") and specs.share(kind.plan, each.address, each.text)
      if not isPlain then return false end
      each.plainIn = kind.plan
    end
  end
  return true
end

-- Tells a step that one of its parents has succeeded; answers what is at hand then.
local function mark(success, who, kind, live, address, hop, age)
  local step = kinds.stepOf(kind, address)
  if step.parents > 1 then
    local from, to = find(live, GS .. "b" .. address .. ",", 1, true)
    local stop = from and find(live, GS, to + 1, true)
    local n = from and sub(live, to + 1, stop - 1) + 1 or 1
    if from then live = sub(live, 1, from) .. sub(live, stop + 1) end
    if n < step.parents then return live .. "b" .. address .. "," .. n .. GS end
  end
  if step.inline and not hop and success.slots > 0 and take.inlines(step.needs, step.queue) then
    success.slots, success.tally = success.slots - 1, success.tally + 1
    success.started[#success.started + 1] = { step = step, member = "|" .. address .. "|1" }
    return live .. "x" .. address .. who.mark .. "-," .. age .. GS
  end
  local i = #success.readied
  success.readied[i + 1] = { line = ledger.lineOf(step.queue, step.priority, ""), after = "|" .. address }
  return live .. "r" .. address .. "," .. success.settled .. ":" .. i .. "," .. age .. GS
end

-- What becomes of a standing when a step succeeds, told by the session that holds it, and the steps that follow. False where this is no
-- case for packed runs.
local function successOf(who, standing, address, list)
  local kind, live = standing.kind, standing.live
  local from, to = find(live, GS .. "x" .. address .. "," .. who.id .. ",", 1, true)
  local step = from and kinds.stepOf(kind, address)
  if not step or not arePlain(kind, list) then return false end
  local stop, age = find(live, GS, to + 1, true), text(clock.now - standing.started)
  local success = { step = step, member = "|" .. address .. "|1", slots = take.slots, tally = 1000, started = {}, readied = {},
    settled = standing.settled + 1, done = RS .. address .. US .. sub(live, to + 1, stop - 1) .. "," .. age .. "," }
  live = sub(live, 1, from - 1) .. sub(live, stop)
  for i = 1, #list do live = mark(success, who, kind, live, list[i].address, list.hop, age) end
  success.isLast = success.settled == kind.members
  success.text = toStanding(kind, success.isLast and "s" or "r", success.settled, standing.started, success.isLast and clock.text or standing.ended, live).text
  return success
end

-- The same, remembered by what was told of the step: apart where there are slots for all that might be handed straight on, and where
-- there are none.
function standings.success(who, standing, told)
  local mayInline = take.inline and take.slots > 0
  if mayInline and take.slots < #told.list then return successOf(who, standing, told.address, told.list) end
  local ends = mayInline and standing.ends or standing.endsFull
  local success = ends[told]
  if success == nil then
    success = successOf(who, standing, told.address, told.list)
    ends[told] = success
  end
  return success
end
