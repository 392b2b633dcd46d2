-- What every script starts with: the key prefix, the letters of states and phases, and the tables that the fragments fill.
-- Everything a script touches lies under one prefix, `jobbers:{ns:0}:`, which is KEYS[1] (the clock) without its last word.

local call = redis.call
local PREFIX = string.sub(KEYS[1], 1, -6)
-- What `schema` says: MAJOR and MINOR of src/schema.ts.
local LAYOUT = "2.0"
local US, RS, GS, FS = "\31", "\30", "\29", "\28"

-- Where a step is, as it is stored.
local BLOCKED, READY, RUNNING, WAITING, EXPANDING = "b", "r", "x", "w", "e"
local SUCCEEDED, FAILED, SKIPPED, CANCELLED = "s", "f", "k", "c"
-- Where a run is; its three ends are written like those of a step.
local SCHEDULED, STARTED = "d", "r"
-- What a step is handed out for.
local RUN, ADMIT, EXPAND, ENTER, ADVANCE = "r", "a", "x", "e", "v"

-- Fragments call each other through tables, in whatever order they come; a script has those of which its fragments speak (see
-- src/script-text.ts).
-- its tables
-- tables clock specs kinds packed standings singles events ledger shelves lease session take limits
-- tables runs steps members bodies shares values settle ready epilogue history report letters sticky
-- tables successes submitting plans check retry vitals claims logs steering levels roles tenants

-- True where a fragment that keeps something in memory was made: else there is nothing to write.
local function isMade(fragment)
  return rawget(fragment, "flush") ~= nil
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
