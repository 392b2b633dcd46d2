-- Whether queues take submissions: those that are drained take none, and those with a maximum no more than that. What runs lead to later
-- is never refused.

-- How many ready steps queues have, those included that this script has put there.
local ready = {}

local function readyIn(queue)
  local n = ready[queue]
  if n then return n end
  n = 0
  if limits.isOn or clock.isSticky then
    local fields = {}
    for priority = 0, 9 do fields[priority + 1] = queue .. ":" .. priority end
    for _, depth in ipairs(call("HMGET", PREFIX .. "depths", unpack(fields))) do n = n + math.max(0, tonumber(depth or 0)) end
  end
  for _, member in ipairs(call("SMEMBERS", PREFIX .. "lines:" .. queue)) do
    n = n + call("LLEN", PREFIX .. "line:" .. queue .. ":" .. member)
  end
  ready[queue] = n
  return n
end

-- Into which queues the entry steps ARGV[from] to ARGV[to] go, and how many into each.
function submitting.queuesIn(from, to)
  local wanted = {}
  for i = from, to do
    local spec = specs.parse(string.match(ARGV[i], "\30(.*)$"))
    if spec.kind == "t" then wanted[spec.queue] = (wanted[spec.queue] or 0) + 1 end
  end
  return wanted
end

-- The answer to a submission with so many entry steps by queue, where it is refused; one that is scheduled stands in none yet. To be asked
-- only where clock.steered, and of a run that is made unless it is refused.
function submitting.refusal(wanted, isScheduled)
  for queue in pairs(wanted) do
    if steering.gateOf(queue) then return "d" .. queue end
  end
  if isScheduled then return nil end
  for queue, n in pairs(wanted) do
    local _, max = steering.gateOf(queue)
    if max and readyIn(queue) + n > max then return "f" .. queue .. "=" .. text(max) end
  end
  for queue, n in pairs(wanted) do
    local _, max = steering.gateOf(queue)
    if max then ready[queue] = ready[queue] + n end
  end
  return nil
end
