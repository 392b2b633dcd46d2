-- Plain successes: what most exchanges are made of. They come as one text, `run US address US fence US steps that follow RS output RS`
-- for each; the steps that follow are places in a list of specs that are sent once, joined by commas, and `h` before them where an only
-- child has to stand in its line.

-- The specs at ARGV[from] to ARGV[to], each `address RS spec`.
local function readSpecs(from, to)
  local list = {}
  for i = from, to do
    local address, specText = string.match(ARGV[i], "^([^\30]*)\30(.*)$")
    list[i - from] = { address = address, text = specText, spec = specs.parse(specText) }
  end
  return list
end

-- The lists that the places stand for, each made once.
local function readLists(from, to)
  local known = readSpecs(from, to)
  return setmetatable({}, { __index = function(lists, places)
    local list = { hop = string.sub(places, 1, 1) == "h" }
    for place in string.gmatch(places, "%d+") do list[#list + 1] = known[tonumber(place)] end
    lists[places] = list
    return list
  end })
end

local leaseParts = {}

-- Address, fence and steps that follow; those of many runs are the same.
local function split(leaseText)
  local parts = leaseParts[leaseText]
  if not parts then
    parts = { string.match(leaseText, "^([^\31]*)\31(%d+)\31(.*)$") }
    leaseParts[leaseText] = parts
  end
  return parts[1], parts[2], parts[3]
end

-- Reads all these runs: what is no single that somebody has taken is looked for among the other packed runs.
local function fetch(ids)
  singles.fetch(ids)
  local others = {}
  for i = 1, #ids do
    if not singles.progress[ids[i]] then others[#others + 1] = ids[i] end
  end
  packed.fetch(others)
end

-- Applies the successes in `told` for a session, false where it is unknown; puts a letter for each into `results`.
function successes.apply(who, told, from, to, results)
  if told == "" then return end
  local ids, outputs, leases, n = {}, {}, {}, 0
  for id, leaseText, output in string.gmatch(told, "([^\31]*)\31([^\30]*)\30([^\30]*)\30") do
    n = n + 1
    ids[n], leases[n], outputs[n] = id, leaseText, output
  end
  fetch(ids)
  local lists = from <= to and readLists(from, to)
  for i = 1, n do
    local id, output = ids[i], outputs[i]
    local address, fence, places = split(leases[i])
    local list = places == "" and NONE or lists[places]
    if who and fence == "1" and (places == "" and singles.succeed(who, id, address, output) or packed.succeed(who, id, address, output, list)) then
      results[i] = "a"
    else
      results[i] = report.applySuccess(id, address, fence, output, list)
    end
  end
end
