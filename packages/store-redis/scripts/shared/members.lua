-- Plain steps inside maps, of which a run may have a hundred thousand: tasks that follow a template (see specs.lua), and are laid out, taken
-- once and succeed. Their records are those of steps.lua. Those of a page are read in one look, and what a record becomes when its step is taken
-- or succeeds is worked out once for all that are alike, which differ in the numbers of their entries only. Whatever else happens to one, other
-- fragments do, to which steps.get shows what was read or written here.

local find, sub = string.find, string.sub

-- How the record of a step begins that was never taken, before the number of its entry, and how many characters that are.
local NEVER_TAKEN, LENGTH = "rr,0,0,0,,", 10

-- How many steps one command reads.
local PAGE = 1000

-- Makes sure that it is known what there is of some steps of a run: records that follow a template, and where there is none, false.
function members.read(run, addresses)
  local records, steps, wanted, fields, n = own(run, "records"), run.steps, {}, {}, 0
  for i = 1, #addresses do
    local address = addresses[i]
    if records[address] == nil and not steps[address] then
      n = n + 1
      wanted[n], fields[n] = address, "@" .. address
    end
  end
  for from = 1, n, PAGE do
    local found = call("HMGET", runs.moreKey(run), unpack(fields, from, math.min(n, from + PAGE - 1)))
    for i = 1, #found do
      local record = found[i]
      if not record or find(record, FS, 1, true) then records[wanted[from + i - 1]] = record end
    end
  end
end

-- The same for steps of several runs: an address for some of the ids, in the same place.
function members.fetch(ids, addresses)
  local lists, last, list, n = {}, nil, nil, 0
  for i = 1, #ids do
    local id, address = ids[i], addresses[i]
    if address then
      if id ~= last then
        last, list = id, lists[id] or {}
        lists[id], n = list, #list
      end
      n = n + 1
      list[n] = address
    end
  end
  for id, list in pairs(lists) do
    local run = runs.getForGrant(id, list[1])
    if run and not run.purged then members.read(run, list) end
  end
end

-- A step's record; nil where the step is known otherwise, or more is asked of its run than to go on.
local function recordOf(id, address)
  local run = runs.known[id]
  local record = run and run.records[address]
  if not record or run.steps[address] or run.cancelling or run.stopped or run.ended or run.purged or limits.isOn then return nil end
  return run, record
end

-- Writes what becomes of a step's record.
local function write(run, address, record)
  local into = own(run, "inner")
  local n = #into
  into[n + 1], into[n + 2] = "@" .. address, record
  -- Whoever looked before it was there has noted that there is none.
  run.records[address], run.steps[address] = record, nil
end

-- The same of one that comes to another state.
local function move(run, address, after)
  local counts, tally, from, to, state = own(run, "counts"), own(run, "tally"), after.from, after.to, after.state
  counts[from], counts[to] = (counts[from] or 0) - 1, (counts[to] or 0) + 1
  tally[state] = (tally[state] or 0) + 1
  write(run, address, after.record)
end

-- What becomes of records that say the same, by what they say: false where another fragment has to find it out.
local function known(run, name)
  local alike = own(run, "alike")
  local list = alike[name]
  if not list then
    list = {}
    alike[name] = list
  end
  return list
end

-- What the steps that follow a template have in common that are made ready; false where they are not plain.
local function beginningOf(run, name, specText)
  local spec = specs.parse(specText)
  return specs.isPlainTask(spec) and {
    line = ledger.lineOf(spec.queue, spec.priority or run.priority, ""), count = "+" .. READY .. spec.name,
    before = READY .. RUN .. "," .. text(run.fences) .. ",0,0,,", after = "," .. run.age .. ",,,,,,," .. FS .. name }
end

-- The same by the name of the template.
local function beginningFor(run, address, specText)
  local name = not (run.stopped or limits.isOn) and specs.templateOf(runs.planOf(run), address, specText)
  if not name then return false end
  local list = known(run, "beginnings")
  local beginning = list[name]
  if beginning == nil then
    beginning = beginningOf(run, name, specText)
    list[name] = beginning
  end
  return beginning, name
end

-- Writes a step that is new, and counts it where that says.
local function create(run, address, record, count)
  write(run, address, record)
  local counts, order = own(run, "counts"), own(run, "order")
  local n = #order
  order[n + 1], order[n + 2] = 0, address
  counts[count] = (counts[count] or 0) + 1
end

local function begin(run, address, beginning)
  local seq = clock.nextSeq()
  create(run, address, beginning.before .. seq .. beginning.after, beginning.count)
  ledger.pushTo(beginning.line, seq .. "|" .. run.id .. "|" .. address)
end

-- Makes a plain step ready of which a look has shown that there is none yet; false where another fragment has to.
function members.add(run, address, specText)
  local beginning = beginningFor(run, address, specText)
  if not beginning then return false end
  begin(run, address, beginning)
  return true
end

-- A step as it is after what happens to one with such a record.
local function after(step, state)
  local name = step.spec.name
  local from = "+" .. step.state .. name
  step.state = state
  return { run = step.run, step = step, spec = step.spec, record = steps.format(step), state = state, from = from, to = "+" .. state .. name }
end

-- The step of a record, for once; nil where it is no plain one.
local function stepOf(run, address, record)
  local step = steps.adopt(run, address, record)
  run.steps[address] = nil
  local isPlain = step and specs.isPlainTask(step.spec) and step.due == "" and not step.uses and not step.near
  return isPlain and step or nil
end

-- What becomes of a step with such a record when it is taken; false where the session does not get it.
local function takingOf(run, address, record, line)
  local who, step = take.session, stepOf(run, address, record)
  if not step or step.spec.queue ~= line.queue or not who.serves[steps.needsOf(step)] then return false end
  step.fence, step.session, step.worker, step.seq, step.started = "1", who.id, who.worker, "", run.age
  return after(step, RUNNING)
end

-- What a step reads that is taken like others: most read one element, whose number is the step's index.
local function readsOf(taking, address)
  if not taking.reads then
    local step = taking.step
    taking.reads = string.match(specs.shared(step.run.plan, "[" .. step.template .. "]"), "([^\31]*)$")
    taking.before, taking.after = string.match(taking.reads, "^([^\27]*)\0271([^\27]*)$")
  end
  local index = taking.before and string.match(address, "%[(%d+)%]")
  return index and taking.before .. index .. taking.after or specs.at(taking.reads, address)
end

-- Notes that the session has a step from now on.
local function hold(run, address, taking, member)
  runs.hold(run, take.session.id, 1)
  ledger.running(taking.spec.queue, 1)
  lease.note(take.session.id, member)
  take.addMember(taking, address, readsOf(taking, address), member)
end

-- Takes the step behind an entry, which ends with the run's id and `tail`; false where another fragment has to look at it.
function members.take(line, entry, id, tail)
  local address = sub(tail, 2)
  local run, record = recordOf(id, address)
  if not run or sub(record, 1, LENGTH) ~= NEVER_TAKEN then return false end
  local digits = #entry - #id - #tail - 1
  if sub(record, LENGTH + 1, LENGTH + digits) ~= sub(entry, 1, digits) then return false end
  local list, rest = known(run, line), sub(record, LENGTH + digits + 1)
  local taking = list[rest]
  if taking == nil then
    taking = takingOf(run, address, record, line)
    list[rest] = taking
  end
  if not taking then return false end
  move(run, address, taking)
  hold(run, address, taking, id .. tail .. "|1")
  return true
end

-- What steps are that follow a template and are handed straight on when they become ready.
local function inlinedOf(run, address, name)
  local step = stepOf(run, address, RUNNING .. RUN .. ",1,0,0," .. take.session.id .. ",,," .. run.age .. ",,,,,," .. take.session.worker .. FS .. name)
  return after(step, RUNNING)
end

-- Lets a plain step run whose only parent has succeeded for the first time; false where another fragment has to look at it.
local function follow(run, each, hop)
  local spec = each.spec
  if spec.parents ~= 1 or spec.trigger == "C" or run.fences > 0 or run.steps[each.address] then return false end
  local beginning, name = beginningFor(run, each.address, each.text)
  if not beginning then return false end
  if hop or not spec.inline or not take.inlines(spec.needs, spec.queue) then
    begin(run, each.address, beginning)
    return true
  end
  local list, tally = known(run, "inlined"), own(run, "tally")
  local taking = list[name] or inlinedOf(run, each.address, name)
  list[name] = taking
  create(run, each.address, taking.record, taking.to)
  tally[RUNNING] = (tally[RUNNING] or 0) + 1
  hold(run, each.address, taking, run.id .. "|" .. each.address .. "|1")
  return true
end

-- What becomes of a step with such a record when it succeeds; false where that is no first attempt of the session.
local function successOf(run, address, record, session)
  local step = stepOf(run, address, record)
  if not step or step.state ~= RUNNING or step.phase ~= RUN or step.fence ~= "1" or step.session ~= session then return false end
  step.session, step.ended = false, run.age
  return after(step, SUCCEEDED)
end

-- The body in which a step stands that succeeds like others: most stand in a map that has no index itself.
local function ownerOf(success, address)
  local owner = success.spec.owner
  if not bodies.isInner(owner) then
    success.owner = owner
    return owner
  end
  local template = specs.shared(success.step.run.plan, "[" .. success.step.template .. "]")
  return specs.at(string.match(template, "^[^\31]*\31.\31([^\31]*)"), address)
end

-- The success of a step that was taken once, with the list of those that follow; false where another fragment has to look at it.
function members.succeed(who, id, address, output, list)
  local run, record = recordOf(id, address)
  if not run then return false end
  local outcomes = known(run, "successes")
  local success = outcomes[record]
  if success == nil then
    success = successOf(run, address, record, who.id)
    outcomes[record] = success
  end
  if not success then return false end
  move(run, address, success)
  values.put(run, address, output)
  lease.drop(who.id, id .. "|" .. address .. "|1")
  ledger.running(success.spec.queue, -1)
  runs.hold(run, who.id, -1)
  for i = 1, #list do
    local each = list[i]
    if not follow(run, each, list.hop) then
      settle.mark({ run = run, address = address, state = SUCCEEDED, fence = "1", ranBy = not take.isLeaving and who.id or nil },
        each.address, each.text, list.hop)
    end
  end
  local owner = success.owner or ownerOf(success, address)
  if success.spec.laid then shares.countWait(success.step, owner) end
  local body = bodies.of(run, owner)
  body.settled, body.dirty = body.settled + 1, true
  if body.settled >= body.members then settle.endBodyIfDone(run, owner) end
  return true
end
