-- Plain successes: what most exchanges are made of. They come as one text, `run US address US fence US steps that follow US output RS`
-- for each; the steps that follow are places in a list of specs that are sent once, joined by commas.

local successes = {}

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
  local known = from <= to and readSpecs(from, to)
  return setmetatable({ [""] = NONE }, { __index = function(lists, places)
    local list = {}
    for place in string.gmatch(places, "%d+") do list[#list + 1] = known[tonumber(place)] end
    lists[places] = list
    return list
  end })
end

-- Applies the successes in `told` for a session, false where it is unknown; puts a letter for each into `results`.
function successes.apply(who, told, from, to, results)
  if told == "" then return end
  local ids, n = {}, 0
  for id in string.gmatch(told, "([^\31]*)[^\30]*\30") do
    n = n + 1
    ids[n] = id
  end
  packed.fetch(ids)
  local lists, n = readLists(from, to), 0
  for id, address, fence, places, output in string.gmatch(told, "([^\31]*)\31([^\31]*)\31(%d+)\31([^\31]*)\31([^\30]*)\30") do
    n = n + 1
    local list = lists[places]
    if who and fence == "1" and packed.succeed(who, id, address, output, list) then
      results[n] = "a"
    else
      results[n] = report.applySuccess(id, address, fence, output, list)
    end
  end
end
