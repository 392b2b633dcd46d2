-- What every script starts with: the key prefix, the letters of states and phases, and the tables that the fragments fill.
-- Everything a script touches lies under one prefix, `jobbers:{ns:0}:`, which is KEYS[1] (the clock) without its last word.

local call = redis.call
local PREFIX = string.sub(KEYS[1], 1, -6)
local US, RS, GS = "\31", "\30", "\29"

-- Where a step is, as it is stored.
local BLOCKED, READY, RUNNING, WAITING, EXPANDING = "b", "r", "x", "w", "e"
local SUCCEEDED, FAILED, SKIPPED, CANCELLED = "s", "f", "k", "c"
-- Where a run is; its three ends are written like those of a step.
local SCHEDULED, STARTED = "d", "r"
-- What a step is handed out for.
local RUN, ADMIT, EXPAND, ENTER, ADVANCE = "r", "a", "x", "e", "v"

-- Fragments call each other through these, in whatever order they are included. The first line is what every script may need; the
-- second is what most exchanges and submissions can do without; the third belongs to single scripts.
local clock, specs, kinds, packed, standings, singles, events, ledger, shelves, lease, session, take, limits = {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}
local runs, steps, bodies, shares, values, settle, ready, epilogue, history, report, letters, sticky = {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}
local successes, submitting, plans, check, retry, vitals, claims, logs, steering, levels, roles, tenants = {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}

-- The second line's functions are made when one of them is first looked for, where a script asks for that: to make them all takes
-- longer than a small exchange.
local general = { isMade = true }
function general.makeLater(make)
  local tables, meta = { runs, steps, bodies, shares, values, settle, ready, epilogue, history, report, letters, sticky }, {}
  general.isMade = false
  meta.__index = function(wanted, name)
    for _, each in ipairs(tables) do setmetatable(each, nil) end
    general.isMade = true
    make()
    return wanted[name]
  end
  for _, each in ipairs(tables) do setmetatable(each, meta) end
end

-- An empty table that nobody writes to: most runs need none of the lists that they could have.
local NONE = {}

-- One of the lists of a run, made when it is first needed.
local function own(run, name)
  local list = run[name]
  if list == NONE then
    list = {}
    run[name] = list
  end
  return list
end

local function splitBy(text, separator)
  if not string.find(text, separator, 1, true) then return { text } end
  local parts, n = {}, 0
  for part in string.gmatch(text .. separator, "([^" .. separator .. "]*)" .. separator) do
    n = n + 1
    parts[n] = part
  end
  return parts
end

-- Numbers as text: Lua formats each anew, which costs as much as a command.
local digits = {}
local function text(number)
  local known = digits[number]
  if not known then
    known = number .. ""
    digits[number] = known
  end
  return known
end

-- Reads fields of a hash into a table, false where there is none; what the table has stays.
local function fetchInto(known, key, fields)
  for from = 1, #fields, 1000 do
    local to = math.min(#fields, from + 999)
    local found = call("HMGET", key, unpack(fields, from, to))
    for i = from, to do
      local field = fields[i]
      if known[field] == nil then known[field] = found[i - from + 1] end
    end
  end
end

-- A command with many arguments, in bites: Lua's stack takes no more than 8,000.
local function callMany(command, key, arguments)
  local n = #arguments
  for from = 1, n, 1000 do
    call(command, key, unpack(arguments, from, math.min(n, from + 999)))
  end
end
