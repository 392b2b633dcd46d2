-- A retry by hand goes through a run's steps twice. First it reopens them, while the run reads as ended, so that nothing of it moves; then
-- the run is running, and what is ready is put into its lines. Each pass goes in scripts of so many steps, and its place is kept in the
-- run's field `r` (and in `q` what it is about, where that is not everything), so that anybody can go on with it: `o` (reopening) or `p` (placing), then the last address that was looked at, with
-- `p` before it outside of maps and `i` inside.

-- How many steps one script changes, and about how many it looks at.
local PAGE, WINDOW = 500, 2000

-- How far a retry of the run is; nil where none is under way.
function retry.placeOf(run)
  -- One that is purged meanwhile has lost some of its steps already.
  if run.packed or run.purged then return nil end
  local place = call("HGET", run.key, "r")
  -- A run that was cancelled while its steps were put into their lines begins from the start.
  if place and string.sub(place, 1, 1) == (run.ended and "o" or "p") then return place end
end

local function keep(run, place)
  call("HSET", run.key, "r", place)
  if run.only then call("HSET", run.key, "q", run.only) else call("HDEL", run.key, "q") end
  return true
end

-- True for a record that is not what it has to be after a retry.
local function isToReopen(record, run, address)
  return string.byte(record) ~= string.byte(SUCCEEDED) or string.sub(record, 2, 2) == ADVANCE or retry.fateAt(run, address) ~= nil
end

-- True for a record that stands in no line, but belongs there.
local function isToPlace(record)
  local state, phase, holder, seq = string.match(record, "^(.)(.)[^,]*,%d+,%d+,%d+,([^,]*),(%d*),")
  return (state == READY or state == EXPANDING or phase == ADVANCE) and holder == "" and seq == ""
end

-- Adds the steps that are wanted to a list; answers the last address when the list is full.
local function collect(run, key, addresses, wants, list)
  for from = 1, #addresses, 500 do
    local names, chosen = {}, {}
    for i = from, math.min(#addresses, from + 499) do names[#names + 1] = "@" .. addresses[i] end
    local records = call("HMGET", key, unpack(names))
    for i, record in ipairs(records) do
      if record and wants(record, run, addresses[from + i - 1]) and #list + #chosen < PAGE then chosen[#chosen + 1] = i end
    end
    local texts = {}
    for i, at in ipairs(chosen) do texts[i] = "$" .. string.sub(names[at], 2) end
    local found = #texts > 0 and call("HMGET", key, unpack(texts)) or NONE
    for i, at in ipairs(chosen) do
      local address = string.sub(names[at], 2)
      local step = run.steps[address] or steps.adopt(run, address, records[at], found[i])
      if step then list[#list + 1] = step end
      if #list == PAGE then return address end
    end
  end
end

-- The addresses outside of maps after one, in order: as many as the plan has at most.
local function plainAfter(run, last)
  local addresses = {}
  for _, field in ipairs(call("HKEYS", run.key)) do
    local address = string.match(field, "^@(.+)$")
    if address and address > last then addresses[#addresses + 1] = address end
  end
  table.sort(addresses)
  return addresses
end

-- The steps of a packed run, all of which have succeeded, that a rerun takes back.
local function packedPage(run)
  local list = {}
  for address, step in pairs(run.steps) do
    if step and retry.fateAt(run, address) then list[#list + 1] = step end
  end
  table.sort(list, function(a, b) return a.address < b.address end)
  return list
end

-- The steps that are wanted among the next ones, and where the next page begins where there is one.
local function pageAfter(run, after, wants)
  if run.packed then return packedPage(run) end
  local where, last = string.match(after, "^(.?)(.*)$")
  local list = {}
  if where ~= "i" then
    local full = collect(run, run.key, plainAfter(run, last), wants, list)
    if full then return list, "p" .. full end
    last = ""
  end
  local order = PREFIX .. "order:" .. run.id
  local addresses = call("ZRANGEBYLEX", order, last == "" and "-" or "(" .. last, "+", "LIMIT", 0, WINDOW)
  local full = collect(run, runs.moreKey(run), addresses, wants, list)
  if full then return list, "i" .. full end
  return list, #addresses == WINDOW and "i" .. addresses[WINDOW] or nil
end

-- Puts a step into its line; what the run's being stopped means for it by now, releasing it says.
local function put(step)
  if step.seq ~= "" or step.session then return end
  if steps.isSettled(step) then
    if step.phase == ADVANCE then ready.requestAdvance(step, step.cursor) end
  elseif step.state == READY then
    ready.release(step)
  elseif step.state == EXPANDING then
    -- Of its members perhaps none runs again.
    settle.endBodyIfDone(step.run, step.address)
  end
end

-- It reads as running from now on. While it has an instant at which it ended, nothing of it moves.
local function begin(run)
  retry.unshelve(run)
  settle.unlist(run)
  settle.dropDeadline(run)
  call("HDEL", run.key, "m", "y")
  run.state, run.cancelling, run.dirty = STARTED, false, true
  events.add(run, "a")
end

-- The run goes on: from now on its steps move.
local function start(run)
  -- Of a rerun it has been so for long: what reads as succeeded must have its results.
  if run.state ~= STARTED then begin(run) end
  run.ended, run.stopped, run.dirty = false, false, true
  if run.body.epilogue == "r" then run.body.epilogue = "o" end
  -- What was reopened did not happen to it while it ran.
  run.tally = NONE
end

local function finish(run)
  call("HDEL", run.key, "r", "q")
  settle.endBodyIfDone(run, "")
  return false
end

-- Reopens a page of steps; true when there is more to do.
local function reopenPage(run, place)
  -- The step that stands for the rest of a submission has no address, and is no part of any page.
  local opening = not place and steps.get(run, "")
  if not place and run.only and string.sub(run.only, 1, 1) == "r" then begin(run) end
  if opening then retry.reopen(opening) end
  local list, after = pageAfter(run, place and string.sub(place, 2) or "", isToReopen)
  for _, step in ipairs(list) do retry.reopen(step) end
  if after then return keep(run, "o" .. after) end
  start(run)
  if place then return keep(run, "p") end
  -- What was reopened is not written yet, but it is all at hand.
  if opening then put(opening) end
  for _, step in ipairs(list) do put(step) end
  return finish(run)
end

-- What a retry under way is about; false: everything.
function retry.scopeOf(run)
  return call("HGET", run.key, "q")
end

-- How many steps of a plan name there are inside maps, of one state or all.
local function countOf(run, name, state)
  local n = 0
  for _, each in ipairs(state and { state } or { BLOCKED, READY, RUNNING, WAITING, EXPANDING, SUCCEEDED, FAILED, SKIPPED, CANCELLED }) do
    n = n + tonumber(call("HGET", run.key, "+" .. each .. name) or "0")
  end
  return n
end

-- Has a step read another input from now on: who hands it out sees that by what it reads.
function retry.edit(step, input)
  local run, key = step.run, step.address .. ":edited"
  values.put(run, key, input)
  local reads = step.spec.reads
  if reads == key or string.sub(reads, -#key - 1) == GS .. key then return end
  step.specText = step.specText .. (reads == "" and "" or GS) .. key
  step.spec, step.template, step.dirty = specs.parse(step.specText), nil, true
  call("HSET", step.mapped and runs.moreKey(run) or run.key, "$" .. step.address, step.specText)
end

-- Why a step cannot be the one that runs again, or the steps of a name, of which none can be given another input.
function retry.refusalOf(run, name, isEdited)
  local step = name ~= "" and steps.get(run, name)
  if not step then
    if isEdited or countOf(run, name) == 0 then return "step-unknown" end
    return countOf(run, name, FAILED) == 0 and "step-not-failed"
  end
  if step.state ~= FAILED or step.reason == "body" then return "step-not-failed" end
  if not retry.isToGoOn(step) then return "step-kept" end
end

-- Goes on with a retry; true when there is more to do.
function retry.goOn(run, place)
  if place then run.only = retry.scopeOf(run) end
  if run.ended then return reopenPage(run, place) end
  if place == "p" then
    local opening = steps.get(run, "")
    if opening then put(opening) end
  end
  local list, after = pageAfter(run, string.sub(place, 2), isToPlace)
  for _, step in ipairs(list) do put(step) end
  if after then return keep(run, "p" .. after) end
  return finish(run)
end

function retry.wakePromoter(run)
  call("ZADD", PREFIX .. "timers", clock.now, string.format("%015.0f", tonumber(clock.nextSeq())) .. "|" .. run.id .. "|")
end

-- Takes an ended run from its shelf again, looking from the nearer end of it.
function retry.unshelve(run)
  if call("SREM", PREFIX .. "lettered", run.id) == 1 then return end
  if run.keep ~= "" then
    call("ZREM", PREFIX .. "kept", run.id)
    return
  end
  local shelf, ms = PREFIX .. "ended:" .. run.state, run.created + run.ended
  local middle = call("LINDEX", shelf, math.floor(call("LLEN", shelf) / 2))
  local isOld = middle and ms < tonumber(string.match(middle, "^%d+"))
  call("LREM", shelf, isOld and 1 or -1, text(ms) .. "|" .. run.id)
end
