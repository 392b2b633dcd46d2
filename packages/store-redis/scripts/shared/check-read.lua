-- Records that may be broken, read so that a script goes on.

-- Says why a packed record cannot be read.
local function tellPacked(id)
  local record = packed.get(id)
  if record then
    local plan = kinds.get(record.kind).plan
    if call("HEXISTS", PREFIX .. "plan:" .. plan, "text") == 0 then check.tell("plan-missing", id, nil, "plan:" .. plan) end
    return check.tell("record-broken", id, nil, "packed", "its plan lacks the spec of a step") and nil
  end
  local record = call("HGET", packed.key, id)
  local name = string.match(record, "^[pq](........)%d+,")
  local isKindGone = name and call("HEXISTS", PREFIX .. "kinds", name) == 0
  local key = name and kinds.get(name) and "progress" or "packed"
  return check.tell("record-broken", id, nil, key, isKindGone and "its kind is gone; another run submitted like it brings that back" or nil) and nil
end

-- A run is unpacked for good: where it stands in both forms, the packed one is what was forgotten.
local function standsTwice(id)
  local key = "run:" .. id
  local own = call("HMGET", PREFIX .. key, "h", "s")
  if own[1] and own[2] then
    if check.tell("orphan", id, nil, "packed", "the run has a key of its own", true) then packed.remove(id) end
    packed.known[id] = false
    return true
  end
  if call("EXISTS", PREFIX .. key) == 1 and check.tell("orphan", id, nil, key, "the run is packed", true) then call("UNLINK", PREFIX .. key) end
  return false
end

-- A run and what says of it that it is whole: head and plan. Nil where it is none, or cannot be read.
function check.runOf(id)
  if call("HEXISTS", packed.key, id) == 1 and not standsTwice(id) then
    local isRead, run = pcall(runs.get, id)
    if isRead and run and run.packed then return run, run.head, run.plan end
    return tellPacked(id)
  end
  local found = call("HMGET", PREFIX .. "run:" .. id, "h", "s", "p")
  if not found[1] and not found[2] then return nil end
  local isRead, run = pcall(runs.get, id)
  if isRead and run and run.state and found[3] then return run, found[1], found[3] end
  check.tell("record-broken", id)
end

-- A step of a run, false where its record cannot be read.
function check.stepOf(run, address)
  local isRead, step = pcall(steps.get, run, address)
  if isRead and step and step.state and step.spec.owner then return step end
  run.steps[address] = false
  local record = call("HGET", bodies.isInner(address) and runs.moreKey(run) or run.key, "@" .. address)
  if record then check.tell("record-broken", run.id, address, nil, string.sub(record, 1, 60)) end
  return false
end

-- A run for a look from outside; nil where there is none, false where it cannot be read.
function check.glance(id)
  local isRead, run = pcall(runs.get, id)
  if not isRead then return false end
  return run
end

-- True where a step of a run names a session under a fence.
function check.isHeldBy(session, id, address, fence)
  local run = check.glance(id)
  local isRead, step = pcall(report.stepBehind, id, address)
  if run == false or not isRead then return true, nil end
  return step and step.session == session and step.fence == fence, step
end

-- A percent-encoded text that whoever reads it can make UTF-8 of.
function check.isText(coded)
  local text = string.gsub(coded, "%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  if string.find(string.gsub(coded, "%%%x%x", ""), "%", 1, true) then return false end
  for _, form in ipairs({ "[\194-\223][\128-\191]", "\224[\160-\191][\128-\191]", "\237[\128-\159][\128-\191]",
    "[\225-\236\238\239][\128-\191][\128-\191]", "\240[\144-\191][\128-\191][\128-\191]", "[\241-\243][\128-\191][\128-\191][\128-\191]",
    "\244[\128-\143][\128-\191][\128-\191]" }) do
    text = string.gsub(text, form, "?")
  end
  return not string.find(text, "[\128-\255]")
end
