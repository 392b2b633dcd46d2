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

-- What was told beside run, address and output, `fence US places`, as { fence, list of the steps that follow }: that of many is the same.
local function readTold(lists)
  return setmetatable({}, { __index = function(known, text)
    local fence, places = string.match(text, "^(%d+)\31(.*)$")
    local told = { fence = fence, list = string.find(places, "%d") and lists[places] or NONE, at = {} }
    known[text] = told
    return told
  end })
end

-- The same with the address, once for all runs of which it is said.
local function withAddress(told, address)
  local whole = { address = address, fence = told.fence, list = told.list }
  told.at[address] = whole
  return whole
end

-- Applies the successes in `text` for a session, false where it is unknown; puts a letter for each into `results`.
function successes.apply(who, text, from, to, results)
  if text == "" then return end
  local ids, tolds, outputs, addresses, inner, n = {}, {}, {}, {}, nil, 0
  local known = readTold(from <= to and readLists(from, to))
  for id, address, told, output in string.gmatch(text, "([^\31]*)\31([^\31]*)\31([^\30]*)\30([^\30]*)\30") do
    n = n + 1
    ids[n], tolds[n], outputs[n], addresses[n] = id, known[told], output, address
    if string.find(address, "%[%d") then
      inner = inner or {}
      inner[n] = address
    end
  end
  packed.fetchBoth(ids)
  if inner then members.fetch(ids, inner) end
  local succeedSingle = singles.succeed
  for i = 1, n do
    local id, address, told, output = ids[i], addresses[i], tolds[i], outputs[i]
    local list, isMine = told.list, who and told.fence == "1"
    if inner and inner[i] then
      isMine = isMine and members.succeed(who, id, address, output, list)
    else
      isMine = isMine and (list == NONE and succeedSingle(who, id, address, output) or packed.succeed(who, id, told.at[address] or withAddress(told, address), output))
    end
    results[i] = isMine and "a" or report.applySuccess(id, address, told.fence, output, list)
  end
end
