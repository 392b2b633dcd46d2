-- Limits: which a step stands under, what each has let through, and who has its slots. Asked for only where the store has any: all other
-- code looks at `limits.isOn` first.
--
-- A use is `<letter><name>=<key>=<cost>`, names and keys percent-encoded: f is no limit and says whose turn a step takes (see tenants.lua), k was said by the step's own code for its input, r holds for its
-- task, its queue, or its task in that queue whatever the input. A tuple is the uses of a step, joined by &; it is part of the name
-- of its line. What a step keeps (`uses`) begins with ! once its code has said the keys; while it runs it is the tuple that it was taken under.
--
-- The hash `ruled` has rules by target (`task`, `@queue`, `task@queue`; of edits the same behind a +), each `name=keyed=cost`, joined by & (the name @, or
-- @queue: its code says whose turn its steps take, wherever or in that queue); the hash
-- `limits` what each is, `kind US code US edit US throttled US changed`: kind is r or c, code and edit are `rate,perMs,burst` or `n`, edit maybe `off`;
-- changed is since when they say so.
-- Who has the slots of a limit is told by `slots:<name>`, sessions by `key|` and what `held:<session>` has of the step (behind a session there
-- may be blanks); what its keys have let through is told by meters.lua.

local find, gmatch, match, sub, next = string.find, string.gmatch, string.match, string.sub, next
local rules, freed, taken = {}, {}, {}

-- What holds for a task in a queue: whether its code has to say keys, and the uses beside those.
local function rulesOf(needs, queue)
  local id = needs .. "@" .. queue
  local known = rules[id]
  if known then return known end
  known = { isKeyed = false, uses = "" }
  rules[id] = known
  local all = "@" .. queue
  local found = call("HMGET", PREFIX .. "ruled", needs, "+" .. needs, id, "+" .. id, all, "+" .. all)
  for i = 1, 6 do
    for name, keyed, cost in gmatch(found[i] or "", "([^=&]+)=(%d)=([^&]+)") do
      if string.byte(name) == 64 then
        known.isKeyed = known.isKeyed or name == "@" or name == "@" .. queue
      elseif keyed == "1" then
        known.isKeyed = true
      else
        known.uses = known.uses .. (known.uses == "" and "r" or "&r") .. name .. "==" .. cost
      end
    end
  end
  return known
end

-- True where steps of a task in a queue may stand under any limit.
function limits.mayLimit(needs, queue)
  local known = rulesOf(needs, queue)
  return known.isKeyed or known.uses ~= ""
end

-- What a step's code has said, as it is kept; nil where it has not.
local function saidIn(uses)
  if not uses or string.byte(uses) ~= 33 then return nil end
  local list = {}
  for use in gmatch(uses, "[^!&]+") do
    -- What holds whatever the input is looked up anew.
    if string.byte(use) ~= 114 then list[#list + 1] = use end
  end
  return "!" .. table.concat(list, "&")
end
limits.saidIn = saidIn

-- The tuple of a step that is to run; nil where its code has yet to say the keys.
function limits.tupleOf(needs, queue, uses)
  local known = rulesOf(needs, queue)
  local said = saidIn(uses)
  if not said then
    if known.isKeyed then return nil end
    return known.uses
  end
  if #said == 1 then return known.uses end
  return string.sub(said, 2) .. (known.uses == "" and "" or "&" .. known.uses)
end

-- The same of what code has said of a step that never ran.
function limits.tupleOfSaid(needs, queue, said)
  local uses = rulesOf(needs, queue).uses
  local own = string.sub(said, 2)
  if uses == "" then return own end
  return own == "" and uses or own .. "&" .. uses
end

-- What has to stand in the record of a single that says nothing but what the tuple of its line says, where so much holds beside what code
-- says; nil where none could.
function limits.markOf(tuple, uses)
  if uses ~= "" then
    if tuple == uses then
      tuple = ""
    elseif sub(tuple, -#uses - 1) == "&" .. uses then
      tuple = sub(tuple, 1, -#uses - 2)
    else
      return nil
    end
  end
  return "\31!" .. tuple .. "\30"
end

-- What holds for a task in a queue beside what code says.
function limits.usesIn(needs, queue)
  return rulesOf(needs, queue).uses
end

-- What a step keeps while it runs.
function limits.takenUnder(uses, tuple)
  return (uses and string.byte(uses) == 33 and "!" or "") .. tuple
end

local function listOf(lists, name)
  local list = lists[name]
  if not list then
    list = { uses = {} }
    lists[name] = list
  end
  return list
end

-- Gives slots to a step that was popped and taken; `member` is what stands for it in `held:<session>`.
function limits.hold(uses, session, member)
  for i = 1, #uses do
    local use = uses[i]
    if use.book.isSlots then
      local list = listOf(taken, use.name)
      local n = #list
      list[n + 1], list[n + 2] = use.key .. "|" .. member, n == 0 and session .. limits.PADDING or session
    end
  end
end

-- How tuples begin of which it is known that they have no slots, or some.
local rated, slotted = false, false

-- Frees the slots of a step whose lease ends.
function limits.free(tuple, member)
  -- Most stand under one limit, and of a rate nothing is freed: then its key need not be read.
  if not find(tuple, "&", 1, true) then
    if rated and sub(tuple, 1, #rated) == rated then return end
    if not slotted or sub(tuple, 1, #slotted) ~= slotted then
      local start, name = match(tuple, "^(!?[kr]([^=]+)=)")
      local hasSlots = name and limits.hasSlots(name)
      if hasSlots then slotted = start elseif name then rated = start end
      if not hasSlots then return end
    end
  end
  local uses = limits.usesOf(tuple)
  for i = 1, #uses do
    local use = uses[i]
    if limits.hasSlots(use.name) then
      local list = listOf(freed, use.name)
      local n = #list + 1
      list[n], list.uses[n] = use.key .. "|" .. member, use
    end
  end
end

-- A single that is unpacked while it runs has another name from then on.
function limits.rename(tuple, before, after, session)
  for _, use in ipairs(limits.usesOf(tuple)) do
    local key = PREFIX .. "slots:" .. use.name
    if call("HDEL", key, use.key .. "|" .. before) == 1 then call("HSET", key, use.key .. "|" .. after, session) end
  end
end

-- Which of some keys have lines parked on their limit.
local function parkedOf(name, uses)
  local key, keys, seen, parked = PREFIX .. "parkedkeys:" .. name, {}, {}, {}
  if call("EXISTS", key) == 0 then return parked end
  for _, use in ipairs(uses) do
    if not seen[use.key] then
      seen[use.key], keys[#keys + 1] = use, use.key
    end
  end
  for from = 1, #keys, 1000 do
    local to = math.min(#keys, from + 999)
    local found = call("SMISMEMBER", key, unpack(keys, from, to))
    for i = from, to do
      if found[i - from + 1] == 1 then parked[#parked + 1] = seen[keys[i]] end
    end
  end
  return parked
end

-- Takes slots away from those who had them: who has none any more frees none twice.
local function release(name, list)
  local key, gone, n = PREFIX .. "slots:" .. name, {}, 0
  for from = 1, #list, 1000 do
    local to = math.min(#list, from + 999)
    local found = call("HMGET", key, unpack(list, from, to))
    for i = from, to do
      local field = list[i]
      if found[i - from + 1] and not gone[field] then
        n = n + 1
        gone[field], gone[n] = true, field
        limits.occupy(limits.meterOf(list.uses[i]), -1)
      end
    end
  end
  callMany("HDEL", key, gone)
end

-- Writes which slots are free, and wakes who waits for them.
function limits.settle()
  if not next(freed) then return end
  local lists = freed
  freed = {}
  for name, list in pairs(lists) do
    release(name, list)
    for _, use in ipairs(parkedOf(name, list.uses)) do limits.wake(use) end
  end
end

function limits.flush()
  limits.settle()
  limits.flushMeters()
  for name, list in pairs(taken) do callMany("HSET", PREFIX .. "slots:" .. name, list) end
  taken = {}
end
