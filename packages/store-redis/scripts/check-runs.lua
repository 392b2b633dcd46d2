#!lua flags=allow-oom
-- Looks through runs, each with all its steps in one transition. Larger ones go by check-steps, page by page.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 repair, 1 or 0 · 4 … ids of runs
-- Returns { what became of each id that it came to: . looked at, b too large, p purged, n none; problems, see shared/check.lua }
-- include base clock
-- later core general
-- include check check-uses check-read check-sums newest check-run flush

-- The most fields of one run, and of all runs of one call.
local BUDGET = 1500

-- The fields of a run by what they hold.
local function fieldsOf(run)
  local fields = { steps = {}, bodies = {}, names = {} }
  if run.packed then
    for address in pairs(run.steps) do fields.steps[#fields.steps + 1] = address end
    return fields
  end
  for _, key in ipairs({ run.key, runs.moreKey(run) }) do
    for _, field in ipairs(call("HKEYS", key)) do
      local first, rest = string.sub(field, 1, 1), string.sub(field, 2)
      if first == "@" then
        fields.steps[#fields.steps + 1] = rest
      elseif first == "#" then
        fields.bodies[#fields.bodies + 1] = rest
      elseif first == "+" then
        fields.names[#fields.names + 1] = field
      end
    end
  end
  return fields
end

local function look(id)
  local run, head, plan = check.runOf(id)
  if not run then return "n" end
  if run.purged then return "p" end
  local fields, list, sums = fieldsOf(run), {}, check.newSums()
  for _, address in ipairs(fields.steps) do
    local step = check.stepOf(run, address)
    if step then
      list[#list + 1] = step
      check.add(sums, step)
    end
  end
  -- Where a step cannot be read, no sum is certain.
  local isWhole = #list == #fields.steps
  local _, finish = check.whole(run, head, plan, sums, fields, function() return isWhole end)
  for _, step in ipairs(list) do check.place(step) end
  if isWhole then finish() end
  return "."
end

local states, spent = {}, 0
for i = 4, #ARGV do
  local size = call("HLEN", PREFIX .. "run:" .. ARGV[i]) + call("HLEN", PREFIX .. "more:" .. ARGV[i])
  if spent > 0 and spent + size > BUDGET and size <= BUDGET then break end
  if size > BUDGET then
    states[#states + 1] = "b"
  else
    spent = spent + size
    states[#states + 1] = look(ARGV[i])
  end
end
if check.repair then flushAll(ARGV[2]) end
return { table.concat(states), check.found }
