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

-- A spec from its text; steps with the same text share theirs, and instances of a step what they have in common.
function specs.parse(specText)
  local spec = parsed[specText]
  if spec then return spec end
  local rest, reads = string.match(specText, "^(.*\31)(.*)$")
  local meta = common[rest]
  if not meta then
    meta = { __index = parseCommon(rest) }
    common[rest] = meta
  end
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

-- True for a task's step that needs nothing but its parents' success, whenever it is taken, and stands in the run's own body.
function specs.isPlain(spec)
  return spec.kind == "t" and spec.phase == RUN and spec.owner == "" and spec.name == "" and spec.trigger ~= "C" and not spec.catches
    and not spec.startWithin and not spec.each and not spec.sticky
end
