-- Fragments that are made when one of their names is first looked for. `homes` has by table, in one text, `name:fragment` of all that
-- is to be found there, with an r behind it for the part of the fragment that is rarely needed; `make` makes the other part, and leaves a
-- function in `made` that makes this one. Both are written by src/script-text.ts.

local made = {}

made.lookedFor = { __index = function(wanted, name)
  local homes = made.homes[wanted]
  local _, at = string.find(homes, " " .. name .. ":", 1, true)
  if not at then return nil end
  local which, isRare = string.match(homes, "^(%d+)(r?)", at + 1)
  if not made[which] then
    made[which] = true
    made.make(which)
  end
  if isRare == "r" and made[which] ~= true then
    local makeRest = made[which]
    made[which] = true
    makeRest()
  end
  return rawget(wanted, name)
end }
