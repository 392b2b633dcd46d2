#!lua flags=allow-oom
-- Edits a limit, and has what waits for it look at once.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 name · 3 setting, `off`, or "" for what the code says · 4 kind of that setting, r, c or "" · 5 kind that its name
--      says, "" where only code can declare it
-- Returns a letter (e edited, u unknown, m misfit), then kind, code, edit where there is one (see shared/limits.lua), and 1 where it is keyed
-- include base core general limit-edits

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

-- Repeated, the taking away of an edit finds nothing.
if not kind and edit == "" and own ~= "" then return { "e" } end
if not kind and (wanted == "" or own == "") then return { "u" } end
if wanted ~= "" and wanted ~= (kind or own) then return { "m" } end

if edit == "" and code == "" then
  limits.dropRule(name)
  call("HDEL", PREFIX .. "limits", name)
else
  limits.keep(name, kind or own, code or "", edit, throttled)
  if not kind then limits.addRule(name) end
end
if limits.isOn then limits.ringAll(name) end
clock.flush()
local now, itsCode, itsEdit = limits.find(name)
if not now then return { "e" } end
return { "e", now, itsCode, itsEdit, isKeyed() }
