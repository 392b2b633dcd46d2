-- What attempts have logged. The list `logs:<run>` has it in parts as they came, `at US fence US first US address US lines`; a part that
-- had to go leaves an empty entry, so that all others keep their places, and empty entries at the list's beginning are taken off. The
-- hash `logged:<run>` says of each step `lines,bytes,dropped RS fence:last … RS place:lines:bytes …`: what there is, the last line of each
-- of its newest attempts, and where its parts are, each with a blank behind it. Under "" it says of the run `before,dropped`: how many
-- entries were taken off, and how many lines were dropped. A part's place is that in the list, those that were taken off included.

local MAX_LINES, MAX_BYTES, ATTEMPTS = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

-- How much of the list one reading looks at, how much of it at a time, and about how many bytes it answers.
local EXAMINED, CHUNK, READ_BYTES = 1000, 20, 524288

-- True for a run that is there; read for each run once.
local known = {}
function logs.isKept(id)
  if known[id] == nil then
    local isPacked = call("HEXISTS", PREFIX .. "packed", id) == 1
    local status = not isPacked and call("HGET", PREFIX .. "run:" .. id, "s")
    known[id] = isPacked or status and string.match(status, "^.,.,.,%d*,%d*,%d+,%d+,%d+,.,(.),") ~= "1"
  end
  return known[id]
end

-- Notes that lines of an attempt have come. Answers how many were dropped before them, and the attempts; nothing where they have come
-- before, or are of an attempt too long ago. Core's noteLogPart is the same.
local function note(seen, fence, first, count)
  local attempts, oldest, last, n = {}, nil, 0, 0
  for each, number in string.gmatch(seen, "(%d+):(%d+) ") do
    attempts[each] = number
    n = n + 1
    if not oldest or tonumber(each) < tonumber(oldest) then oldest = each end
    if each == fence then last = tonumber(number) end
  end
  if first <= last then return nil end
  if not attempts[fence] and n >= ATTEMPTS then
    if tonumber(fence) < tonumber(oldest) then return nil end
    attempts[oldest] = nil
  end
  attempts[fence] = string.format("%.0f", first + count - 1)
  local parts = {}
  for each, number in pairs(attempts) do parts[#parts + 1] = each .. ":" .. number .. " " end
  return first - last - 1, table.concat(parts)
end

-- Takes the empty entries off the beginning of a list, some at a time; answers how many.
local function shorten(key)
  local taken = 0
  while taken < 100 and call("LINDEX", key, 0) == "" do
    call("LPOP", key)
    taken = taken + 1
  end
  return taken
end

function logs.append(id, address, fence, first, count, lines)
  local key, index = PREFIX .. "logs:" .. id, PREFIX .. "logged:" .. id
  local found = call("HMGET", index, address, "")
  local head, seen, places = string.match(found[1] or "", "^([^\30]*)\30([^\30]*)\30(.*)$")
  local total, bytes, dropped = string.match(head or "0,0,0", "^(%d+),(%d+),(%d+)$")
  local before, missing = string.match(found[2] or "0,0", "^(%d+),(%d+)$")
  first, count, before = tonumber(first), tonumber(count), tonumber(before)
  local lost, attempts = note(seen or "", fence, first, count)
  if not lost then return end
  local size = call("RPUSH", key, table.concat({ clock.text, fence, first, address, lines }, US))
  total, bytes = total + count, bytes + #lines
  places = (places or "") .. string.format("%.0f:%d:%d ", before + size, count, #lines)
  local gone = 0
  while total > MAX_LINES or bytes > MAX_BYTES do
    local place, n, weight, rest = string.match(places, "^(%d+):(%d+):(%d+) (.+)$")
    if not place then break end
    call("LSET", key, place - before - 1, "")
    total, bytes, gone, places = total - n, bytes - weight, gone + n, rest
  end
  lost = lost + gone
  call("HSET", index, address, string.format("%d,%d,%.0f", total, bytes, dropped + lost) .. RS .. attempts .. RS .. places)
  if lost > 0 then
    if gone > 0 then before = before + shorten(key) end
    call("HSET", index, "", string.format("%.0f,%.0f", before, missing + lost))
  end
  events.add({ id = id }, "g", address, count .. "")
end

-- The places of a step's parts after one.
local function placesOf(record, after, limit)
  local places = {}
  for place in string.gmatch(string.match(record, "\30([^\30]*)$") or "", "(%d+):%d+:%d+ ") do
    if #places == limit then break end
    if tonumber(place) > after then places[#places + 1] = tonumber(place) end
  end
  return places
end

function logs.read(id, address, after, limit)
  local key = PREFIX .. "logs:" .. id
  local found = call("HMGET", PREFIX .. "logged:" .. id, "", address)
  local before, missing = string.match(found[1] or "0,0", "^(%d+),(%d+)$")
  local parts, bytes, last = {}, 0, math.max(after, before)
  local function add(place, part)
    if part and part ~= "" then
      local n = #parts
      parts[n + 1], parts[n + 2] = place, part
      bytes = bytes + #part
    end
    last = place
  end
  local function isFull() return #parts >= 2 * limit or bytes >= READ_BYTES end
  if address ~= "" then
    local record = found[2] or ""
    missing = string.match(record, "^%d+,%d+,(%d+)") or "0"
    local places = placesOf(record, after, limit)
    local told = 0
    for _, place in ipairs(places) do
      if isFull() then break end
      add(place, call("LINDEX", key, place - before - 1))
      told = told + 1
    end
    return { tonumber(missing), last, (told < #places or #places == limit) and 1 or 0, parts }
  end
  local size = call("LLEN", key)
  for from = last - before, last - before + EXAMINED - 1, CHUNK do
    if isFull() or from >= size then break end
    for i, part in ipairs(call("LRANGE", key, from, from + CHUNK - 1)) do
      if isFull() then break end
      add(before + from + i, part)
    end
  end
  return { tonumber(missing), last, last < before + size and 1 or 0, parts }
end
