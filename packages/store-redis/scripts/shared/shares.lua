-- How the instances of a map with a spread were laid over queues: the value `address:spread`, which core's spread-record.ts reads:
-- `[["queue",instances,waits,waited ms,longest wait in ms],…]`. A script reads it once, counts in memory, and writes it once.

local SHARE = '%["([^"]*)",(%d+),(%d+),(%d+),(%d+)%]'

-- What a map has counted; nil where it has no spread.
local function sharesOf(run, map)
  local body = bodies.of(run, map)
  if body.shares == nil then
    local known = values.get(run, map .. ":spread")
    body.shares = known and {}
    for queue, count, waits, waited, longest in string.gmatch(known or "", SHARE) do
      local share = { queue = queue, count = tonumber(count), waits = tonumber(waits), waited = tonumber(waited), longest = tonumber(longest) }
      body.shares[#body.shares + 1] = share
      body.shares[queue] = share
    end
  end
  return body.shares or nil, body
end

-- Counts an instance of a map in the queue that its spread chose.
function shares.countInstance(map, queue)
  local list, body = sharesOf(map.run, map.address)
  list = list or {}
  local share = list[queue]
  if not share then
    share = { queue = queue, count = 0, waits = 0, waited = 0, longest = 0 }
    list[#list + 1] = share
    list[queue] = share
  end
  share.count = share.count + 1
  body.shares, body.hasNewShares = list, true
end

-- Counts how long a settled step waited, where it stood in the queue that the spread of the map around it, its owner, chose.
function shares.countWait(step, owner)
  local spec = step.spec
  if spec.kind ~= "t" or spec.queue ~= spec.laid or step.readyAt == "" or step.started == "" then return end
  local list, body = sharesOf(step.run, owner)
  local share = list and list[spec.queue]
  local wait = step.started - step.readyAt
  if not share or wait < 0 then return end
  share.waits, share.waited, share.longest = share.waits + 1, share.waited + wait, math.max(share.longest, wait)
  body.hasNewShares = true
end

-- How many instances a map has counted; nil where it has no spread.
function shares.sum(map)
  local list, sum = sharesOf(map.run, map.address), 0
  for _, share in ipairs(list or {}) do sum = sum + share.count end
  return list and sum
end

-- Puts what a run's maps have counted among its values.
function shares.write(run)
  for map, body in pairs(run.bodies) do
    if body.hasNewShares then
      local parts = {}
      for i, share in ipairs(body.shares) do
        parts[i] = string.format('["%s",%.0f,%.0f,%.0f,%.0f]', share.queue, share.count, share.waits, share.waited, share.longest)
      end
      values.put(run, map .. ":spread", "[" .. table.concat(parts, ",") .. "]")
    end
  end
end
