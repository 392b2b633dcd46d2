#!lua flags=allow-oom
-- Keeps what code says of some queues.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 … by turns a queue, the parts of its policy (see shared/steering.lua), and its limits and those of tasks in it,
--      `target US rules US settings` (see shared/limit-edits.lua) joined by RS
-- include base clock
-- later core limit-edits

-- A queue has the limits that are declared, and so have the tasks in it, and no others any more.
local function declareLimits(queue, list)
  local declared = {}
  for target, rules, settings in string.gmatch(list, "([^\30\31]+)\31([^\30\31]*)\31([^\30\31]*)") do
    declared[target] = true
    limits.register(target, rules, settings)
  end
  local own = "@" .. queue
  for _, target in ipairs(call("HKEYS", PREFIX .. "ruled")) do
    local isOfCode = string.sub(target, 1, 1) ~= "+" and string.sub(target, -#own) == own
    if isOfCode and not declared[target] then limits.register(target, "", "") end
  end
end

for i = 2, #ARGV, 3 do
  local queue, code = ARGV[i], ARGV[i + 1]
  local now = steering.read(queue)
  if now.code ~= code then
    now.code = code
    steering.write(queue, now)
  end
  declareLimits(queue, ARGV[i + 2])
end
clock.flush()
return 1
