-- Dividing the slots of an exchange between the queues that a session asks for: by their weights, where it gives any; else weighted queues each
-- for itself (see levels.lua), and the others together.

-- Takes at most so many of queues together, or of one weighted queue; answers how many.
local function takeSome(queues, most)
  local before, rest = take.slots, math.max(0, take.slots - most)
  if before <= rest then return 0 end
  take.slots = before - rest
  if clock.steered and steering.isWeighted(queues[1]) then levels.take(queues[1]) else take.together(queues) end
  take.slots = take.slots + rest
  return before - take.slots
end

local function takeOf(i, most)
  if take.joins[take.asked[i]] then take.taken[i] = take.taken[i] + takeSome({ take.asked[i] }, most) end
end

-- Each queue gets its part of the slots, and what some leave is for the others.
function take.byWeight()
  local all, sum = take.slots, 0
  for i, weight in ipairs(take.weights) do sum, take.taken[i] = sum + weight, 0 end
  for i, weight in ipairs(take.weights) do takeOf(i, math.ceil(all * weight / sum)) end
  for i in ipairs(take.weights) do takeOf(i, take.slots) end
end

-- Weighted queues each for itself, and the others together.
local function groupsOf(queues)
  local groups, strict, seen = {}, {}, {}
  for _, queue in ipairs(queues) do
    if not steering.isWeighted(queue) then
      strict[#strict + 1] = queue
    elseif not seen[queue] then
      seen[queue], groups[#groups + 1] = true, { queue }
    end
  end
  if #strict > 0 then groups[#groups + 1] = strict end
  return groups
end

-- Where any queue is set: each group gets an even part of the slots, another one goes first each time, and what some leave is for the others.
function take.apart(queues)
  local groups = groupsOf(queues)
  if #groups < 2 then return groups[1] and takeSome(groups[1], take.slots) end
  local most = math.ceil(take.slots / #groups)
  local first = call("HINCRBY", PREFIX .. "session:" .. take.session.id, "rotated", 1)
  for i = 1, #groups do takeSome(groups[(first + i) % #groups + 1], most) end
  for i = 1, #groups do takeSome(groups[(first + i) % #groups + 1], take.slots) end
end
