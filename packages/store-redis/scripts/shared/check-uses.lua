-- The limits of single steps: see check-limits.lua for the rest.

-- The lines in which a step may stand that is to run: its own, and those that were its own before the last edit.
function check.limitedLines(step)
  local needs, queue, priority = steps.needsOf(step), step.spec.queue, steps.priorityOf(step)
  local start, tuples = queue .. ":" .. priority .. ":" .. needs, {}
  tuples[1] = limits.tupleOf(needs, queue, step.uses)
  for _, tuple in ipairs(call("ZRANGE", PREFIX .. "ring:" .. start, 0, 999)) do tuples[#tuples + 1] = tuple end
  local ring, tenant = tenants.ringOf(queue, priority, needs, tuples[1] or "")
  for _, tuple in ipairs(tenant and call("ZRANGE", ring, 0, 999) or NONE) do tuples[#tuples + 1] = tuple end
  for _, use in ipairs(limits.usesOf(tuples[1] or "")) do
    for _, name in ipairs(call("ZRANGE", PREFIX .. "parked:" .. limits.idOf(use), 0, 999)) do
      tuples[#tuples + 1] = string.match(name, "^[^:]*:%d:[^:]*:(.*)$")
    end
  end
  local lines = {}
  for i, tuple in ipairs(tuples) do lines[i] = PREFIX .. "line:" .. start .. ":" .. tuple end
  return lines
end

-- Who runs under a limit on attempts at once has its slot.
function check.slots(step, member)
  for _, use in ipairs(limits.usesOf(step.uses)) do
    local kind = string.sub(call("HGET", PREFIX .. "limits", use.name) or "", 1, 1)
    local key = "slots:" .. use.name
    if kind == "c" and call("HEXISTS", PREFIX .. key, use.key .. "|" .. member) == 0 and check.tellStep("slot-missing", step, key, true) then
      call("HSET", PREFIX .. key, use.key .. "|" .. member, step.session)
      limits.recount(use.name, use.key, 1)
    end
  end
end
