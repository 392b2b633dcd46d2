-- Specs, which the client packs (src/spec.ts): what there is to know of a step beyond what changes. The runs of a plan share those of
-- their steps outside of maps, in the fields `$address` of `plan:<hash>`.

local SPEC = "^([^\31]*)\31(.)\31([^\31]*)\31(%d+)\31(.)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31(%d*)\31(.)\31(%d+)\31(%d+)\31$"

local parsed, common, shared = {}, {}, {}

-- What the specs of a step's instances have in common: all but what each of them reads.
local function parseCommon(specText)
  local name, kind, owner, parents, trigger, flags, needs, queue, priority, phase, dependents, catchers = string.match(specText, SPEC)
  local own, laid = string.match(queue, "^(.*)\29(.*)$")
  local function has(flag) return string.find(flags, flag, 1, true) ~= nil end
  return { name = name, kind = kind, owner = owner, parents = tonumber(parents), trigger = trigger, needs = needs, queue = own or queue,
    laid = laid, priority = priority ~= "" and priority or nil, phase = phase, dependents = tonumber(dependents),
    catchers = tonumber(catchers), startWithin = tonumber(string.match(flags, "^%a*(%d+)")), sticky = tonumber(string.match(flags, "~(%d+)")),
    stoppable = has("s"), catches = has("c"), stops = has("t"), inline = has("i"), each = has("e") }
end

local function metaOf(specText)
  local rest, reads = string.match(specText, "^(.*\31)(.*)$")
  local meta = common[rest]
  if not meta then
    meta = { __index = parseCommon(rest), text = rest, templates = {} }
    common[rest] = meta
  end
  return meta, reads
end

-- A spec from its text; steps with the same text share theirs, and instances of a step what they have in common.
function specs.parse(specText)
  local spec = parsed[specText]
  if spec then return spec end
  local meta, reads = metaOf(specText)
  spec = setmetatable({ reads = reads }, meta)
  parsed[specText] = spec
  return spec
end

-- The spec that the runs of a plan share for an address; false when there is none.
function specs.shared(plan, address)
  local list = shared[plan]
  if not list then
    list = {}
    shared[plan] = list
  end
  local specText = list[address]
  if specText == nil then
    specText = call("HGET", PREFIX .. "plan:" .. plan, "$" .. address)
    list[address] = specText
  end
  return specText
end

-- Makes a spec the shared one, where there is none yet; true when it is the one.
function specs.share(plan, address, specText)
  local known = specs.shared(plan, address)
  if known then return known == specText end
  call("HSET", PREFIX .. "plan:" .. plan, "$" .. address, specText)
  shared[plan][address] = specText
  return true
end

-- True for a task's step that runs at whatever time and place it is taken, and of which nothing is told apart.
function specs.isPlainTask(spec)
  return spec.kind == "t" and spec.phase == RUN and not spec.catches and not spec.startWithin and not spec.each and not spec.sticky
end

-- The same where it needs nothing but its parents' success, and stands in the run's own body.
function specs.isPlain(spec)
  return specs.isPlainTask(spec) and spec.owner == "" and spec.name == "" and spec.trigger ~= "C"
end

-- rarely: of steps inside maps

-- Templates. The instances of a step inside maps have the same spec, but for the indices in the addresses of their owner and of what they
-- read: in place of its n-th index a template has ESC and n. The runs of a plan share it in the field `$[name]`, by a name that is
-- made of its text; the record of each instance ends with that name, and no spec is kept of it.

local function indicesOf(address)
  local indices = {}
  for index in string.gmatch(address, "%[(%d+)%]") do indices[#indices + 1] = index end
  return indices
end

-- An address, or the key of a value, of an instance with such indices, as a template has it; nil where it has others.
local function generalise(key, indices)
  local n, isOwn = 0, true
  key = string.gsub(key, "%[(%d+)%]", function(index)
    n = n + 1
    if index ~= indices[n] then isOwn = false end
    return "[\27" .. n .. "]"
  end)
  local place = string.match(key, ":(%d+)$")
  if place and place ~= indices[n + 1] then isOwn = false end
  if place then key = string.sub(key, 1, -#place - 1) .. "\27" .. n + 1 end
  return isOwn and key or nil
end

local function generaliseAll(reads, indices)
  local keys = reads == "" and {} or splitBy(reads, GS)
  for i = 1, #keys do
    keys[i] = generalise(keys[i], indices)
    if not keys[i] then return nil end
  end
  return table.concat(keys, GS)
end

-- The template of specs that have all this in common, and of which one, of an instance with such indices, reads this; nil where there is none.
local function templateOf(meta, reads, indices)
  local owner = #indices < 10 and generalise(meta.__index.owner, indices)
  local all = owner and generaliseAll(reads, indices)
  if not all then return nil end
  local before, after = string.match(meta.text, "^([^\31]*\31.\31)[^\31]*(.*)$")
  return before .. owner .. after .. all
end

-- The name of the template that a step's spec follows, which its plan has from now on; nil where there is none. Most have one index and read
-- one element or one output: of those it is found without taking them apart.
function specs.templateOf(plan, address, specText)
  local index = string.match(address, "^[^%[]*%[(%d+)%][^%[]*$")
  local meta, reads = metaOf(specText)
  local names = meta.templates[plan]
  if not names then
    names = {}
    meta.templates[plan] = names
  end
  local tail = index and string.match(reads, index .. "(%]?)$")
  local likely = reads == "" and index and "" or tail and string.sub(reads, 1, -#index - #tail - 1) .. "\0271" .. tail
  local name = likely and names[likely]
  if name then return name end
  local template = templateOf(meta, reads, indicesOf(address))
  name = template and string.sub(redis.sha1hex(template), 1, 12)
  -- Should two texts ever share a name, the second is kept with each step.
  if template and not specs.share(plan, "[" .. name .. "]", template) then name = nil end
  if name and likely and string.sub(template, -#likely - 1) == US .. likely then names[likely] = name end
  return name
end

-- A template's text at an address.
function specs.at(template, address)
  local indices = indicesOf(address)
  return (string.gsub(template, "\27(%d)", function(n) return indices[n + 0] end))
end

-- The spec of the step at an address that follows a template; nil where that is gone.
function specs.ofTemplate(plan, name, address)
  local template = specs.shared(plan, "[" .. name .. "]")
  return template and specs.at(template, address) or nil
end
