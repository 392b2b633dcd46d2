#!lua flags=allow-oom
-- Edits a limit, and has what waits for it look at once.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 name · 3 setting, `off`, or "" for what the code says · 4 kind of that setting, r, c or "" · 5 kind that its name
--      says, "" where only code can declare it
-- Returns a letter (e edited, u unknown, m misfit), then kind, code, edit where there is one (see shared/limits.lua), and 1 where it is keyed
-- include base clock
-- later core general limit-edits
-- include flush

-- At most so many leases are looked at for steps that run already under a limit which an edit makes.
local ADOPT_LIMIT = 2000

local name, edit, wanted, own = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local kind, code, _, throttled = limits.find(name)

local function isKeyed()
  for _, list in ipairs(call("HVALS", PREFIX .. "ruled")) do
    for each, keyed in string.gmatch(list, "([^=&]+)=(%d)=") do
      if each == name and keyed == "1" then return 1 end
    end
  end
  return 0
end

-- The members of `held:<session>` of all sessions, `{ session, member }`, as long as they are not too many.
local function leases()
  local ids, list = call("ZRANGE", PREFIX .. "sessions", 0, 999), {}
  for _, id in ipairs(call("SRANDMEMBER", PREFIX .. "leaving", 500)) do ids[#ids + 1] = id end
  for _, id in ipairs(ids) do
    if #list + call("SCARD", PREFIX .. "held:" .. id) > ADOPT_LIMIT then break end
    for _, member in ipairs(call("SMEMBERS", PREFIX .. "held:" .. id)) do list[#list + 1] = { id, member } end
  end
  return list
end

-- Who runs already gets its slot of the limit, and frees it with its lease.
local function adopt()
  local target, rule, fields = limits.targetOf(name), "r" .. name .. "==1", {}
  local adopted = {}
  for _, each in ipairs(leases()) do
    local run, address = lease.read(each[2])
    local step = report.stepBehind(run, address)
    local task, queue = step and "+" .. steps.needsOf(step), step and "@" .. step.spec.queue
    local isUnder = step and (target == task or target == "+" .. queue or target == task .. queue)
    if isUnder and step.phase == RUN and step.session == each[1] then
      local uses = step.uses or ""
      if not string.find(uses, rule, 1, true) then
        step.uses, step.dirty = uses .. ((uses == "" or uses == "!") and "" or "&") .. rule, true
      end
      adopted[#adopted + 1] = step
    end
  end
  -- A single that is written apart is held under another name from then on.
  flushAll("100000")
  for _, step in ipairs(adopted) do
    local field = "|" .. lease.memberOf(step)
    if call("HSETNX", PREFIX .. "slots:" .. name, field, step.session) == 1 then fields[#fields + 1] = field end
  end
  if #fields == 0 then return end
  local used = PREFIX .. "used:" .. name
  call("HSET", used, "", (tonumber(call("HGET", used, "") or "") or 0) + #fields)
end

-- Repeated, the taking away of an edit finds nothing.
if not kind and edit == "" and own ~= "" then return { "e" } end
if not kind and (wanted == "" or own == "") then return { "u" } end
if wanted ~= "" and wanted ~= (kind or own) then return { "m" } end

if edit == "" and code == "" then
  limits.dropRule(name)
  call("HDEL", PREFIX .. "limits", name)
else
  limits.keep(name, kind or own, code or "", edit, throttled)
  if not kind then
    limits.addRule(name)
    if own == "c" then adopt() end
  end
end
if limits.isOn then limits.ringAll(name) end
clock.flush()
local now, itsCode, itsEdit = limits.find(name)
if not now then return { "e" } end
return { "e", now, itsCode, itsEdit, isKeyed() }
