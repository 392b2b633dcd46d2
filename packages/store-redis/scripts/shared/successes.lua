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

-- Of what was told, all but run and output: { address, fence, list of the steps that follow }; that of many runs is the same.
local function readTold(lists)
  return setmetatable({}, { __index = function(known, text)
    local address, fence, places = string.match(text, "^([^\31]*)\31(%d+)\31(.*)$")
    local told = { address = address, fence = fence, list = places == "" and NONE or lists[places] }
    known[text] = told
    return told
  end })
end

-- Applies the successes in `text` for a session, false where it is unknown; puts a letter for each into `results`.
function successes.apply(who, text, from, to, results)
  if text == "" then return end
  local ids, tolds, outputs, n = {}, {}, {}, 0
  local known = readTold(from <= to and readLists(from, to))
  for id, told, output in string.gmatch(text, "([^\31]*)\31([^\30]*)\30([^\30]*)\30") do
    n = n + 1
    ids[n], tolds[n], outputs[n] = id, known[told], output
  end
  packed.fetchBoth(ids)
  local succeedSingle, succeed = singles.succeed, packed.succeed
  for i = 1, n do
    local id, told, output = ids[i], tolds[i], outputs[i]
    local list = told.list
    if who and told.fence == "1" and (list == NONE and succeedSingle(who, id, told.address, output) or succeed(who, id, told, output)) then
      results[i] = "a"
    else
      results[i] = report.applySuccess(id, told.address, told.fence, output, list)
    end
  end
end
