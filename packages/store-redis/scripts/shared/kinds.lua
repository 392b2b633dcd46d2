-- Kinds: what packed runs of one workflow, submitted in one way, have in common. The hash `kinds` has each under a name that the client
-- makes of its text, eight characters of a hash; `plan:<hash>` lists the names of its kinds, which end with it.
--
--   plan US kind US mode US priority US members US onFailure US inline US extras US entry US name
--
-- extras is 1 where each run has a traceparent and tags of its own, 2 where each says what it has of limits as well; entry is the address of a
-- single's only step, or GS and those of the steps that other runs begin with, joined by GS.

local KIND = "^([^\31]*)\31(.)\31(.)\31(%d)\31(%d+)\31(%d)\31(%d+)\31(%d)\31([^\31]*)\31(.*)$"

kinds.known = {}

local known = kinds.known

local function parse(name, kindText)
  local plan, letter, mode, priority, members, onFailure, inline, extras, entry, title = string.match(kindText, KIND)
  if not plan then return false end
  local entries = string.byte(entry) == string.byte(GS) and splitBy(string.sub(entry, 2), GS)
  return { id = name, text = kindText, plan = plan, letter = letter, mode = mode, priority = priority, members = members + 0,
    onFailure = onFailure == "1", inline = inline, extras = extras ~= "0", says = extras == "2", entry = entries and "" or entry,
    entries = entries or { entry }, name = title, steps = {}, heads = {} }
end

-- A kind by its name; false where it is gone, so that one broken record spoils no script that only meets it.
function kinds.get(name)
  local kind = known[name]
  if kind == nil then
    local kindText = call("HGET", PREFIX .. "kinds", name)
    kind = kindText and parse(name, kindText)
    known[name] = kind
  end
  return kind
end

-- Makes a kind known; nil where its name belongs to another.
function kinds.add(name, kindText)
  local there = call("HGET", PREFIX .. "kinds", name)
  if there and there ~= kindText then return nil end
  local kind = parse(name, kindText)
  known[name] = kind
  if not there then
    call("HSET", PREFIX .. "kinds", name, kindText)
    local key = PREFIX .. "plan:" .. kind.plan
    call("HSET", key, "kinds", (call("HGET", key, "kinds") or "") .. name)
  end
  return kind
end

-- What a session needs to know of a step of runs of one kind; false where the plan lost its spec, which is no reason to fail for a script
-- that has popped other runs' entries.
function kinds.stepOf(kind, address)
  local step = kind.steps[address]
  if step ~= nil then return step end
  local specText = specs.shared(kind.plan, address)
  local spec = specText and specs.parse(specText)
  local keys = spec and spec.reads ~= "" and splitBy(spec.reads, GS) or NONE
  local needles = {}
  for i = 1, #keys do needles[i] = keys[i] == ":input" and ":input" or RS .. keys[i] .. US end
  step = spec and { address = address, needs = spec.needs == "=" and address or spec.needs, queue = spec.queue, priority = spec.priority or kind.priority,
    parents = spec.parents, inline = spec.inline, reads = spec.reads, needles = needles, running = 0 }
  kind.steps[address] = step
  return step
end

-- What is told once to a session that is granted such steps.
function kinds.headOf(kind, address)
  local step = kinds.stepOf(kind, address)
  return kind.plan .. US .. address .. US .. step.needs .. US .. step.priority .. US .. step.reads
end

-- Counts how many steps of packed runs run more, or fewer, than before.
function kinds.flush()
  for _, kind in pairs(known) do
    for _, step in pairs(kind and kind.steps or NONE) do
      if step and step.running ~= 0 then ledger.running(step.queue, step.running) end
    end
  end
end
