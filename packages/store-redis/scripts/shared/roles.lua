-- Roles whose workers may run so many steps at once. The hash `caps` has that number for each role that has one; `role:<role>` is the set of its
-- sessions that may hold steps, the open ones and those whose steps are on their way back. What they run is no counter: it is what they
-- hold (`held:<session>`) without control work (`control:<session>`), so that whoever ends a lease frees its place. Who listens while
-- his role is full stands among `idle:role:<role>`, and not among those of his queues, where he would be called in vain. Asked for only where the
-- field `capped` of the clock says that there is any: all other code looks at `clock.isCapped` first.

-- How many sessions one script wakes at most.
local WAKE_LIMIT = 500

-- The sessions of a role as a set, and how many steps they run.
function roles.crew(role)
  local crew, running = {}, 0
  for _, id in ipairs(call("SMEMBERS", PREFIX .. "role:" .. role)) do
    crew[id] = true
    running = running + call("SCARD", PREFIX .. "held:" .. id) - call("SCARD", PREFIX .. "control:" .. id)
  end
  return crew, running
end

-- How many steps more a role may run, below zero after an edit; and its sessions. Nothing where it may run any number.
function roles.roomOf(role)
  local most = tonumber(call("HGET", PREFIX .. "caps", role) or "")
  if not most then return nil end
  local crew, running = roles.crew(role)
  return most - running, crew
end

function roles.isFull(role)
  local room = roles.roomOf(role)
  return room ~= nil and room <= 0
end

-- Wakes those who listen although their role was full, as many as there is room for: each that finds nothing wakes the next. To be called
-- when all leases are written.
function roles.wake(role)
  local idle = PREFIX .. "idle:role:" .. role
  if call("EXISTS", idle) == 0 then return end
  local room = math.min(roles.roomOf(role) or WAKE_LIMIT, WAKE_LIMIT)
  if room <= 0 then return end
  local found = call("ZPOPMAX", idle, room)
  for i = 1, #found, 2 do
    local known = call("HMGET", PREFIX .. "session:" .. found[i], "box", "idle")
    if known[1] then ledger.rouse(found[i], known[1], "role:" .. role, known[2]) end
  end
end

-- Wakes those for whom there is room now that leases have ended: `freed` has the sessions that held them.
function roles.flush(freed)
  local seen = {}
  for id in pairs(freed) do
    local role = call("HGET", PREFIX .. "session:" .. id, "role")
    if role and not seen[role] then roles.wake(role) end
    seen[role or ""] = true
  end
end

-- The session that takes is handed no more of what it asks for than there is room for.
function roles.begin(role)
  local room, crew = roles.roomOf(role)
  if not room then return end
  take.crew, take.withheld = crew, math.max(0, take.slots - math.max(0, room))
  take.slots, take.excess = take.slots - take.withheld, math.max(0, -room)
end

-- A lease of a session of its role has ended. What ends while it takes from lines makes room for the next exchange.
function roles.makeRoom()
  if take.hasReported then return end
  if take.excess > 0 then
    take.excess = take.excess - 1
  elseif take.withheld > 0 then
    take.withheld, take.slots = take.withheld - 1, take.slots + 1
  end
end

-- Where a session could have more but for its role, somebody else may be there who can have it.
function roles.passOn()
  if take.withheld == 0 or take.slots > 0 then return end
  for _, queue in ipairs(take.queues) do
    if call("EXISTS", PREFIX .. "idle:" .. queue) == 1 then ledger.reopen(queue) end
  end
end
