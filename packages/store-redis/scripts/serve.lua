#!lua flags=allow-oom
-- Says which queues a session serves from now on.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 session · 3 its queues and role as JSON · 4 its role, or ""
-- include base clock
-- later core

-- Has it play another role, or none; what it holds counts there from now on.
local function recast(id, role)
  local before = call("HGET", PREFIX .. "session:" .. id, "role") or ""
  if before == role then return end
  if before ~= "" then call("SREM", PREFIX .. "role:" .. before, id) end
  if role == "" then
    call("HDEL", PREFIX .. "session:" .. id, "role")
  else
    call("HSET", PREFIX .. "session:" .. id, "role", role)
    call("SADD", PREFIX .. "role:" .. role, id)
  end
  if before ~= "" and clock.isCapped then roles.wake(before) end
end

local key = PREFIX .. "session:" .. ARGV[2]
if call("HGET", key, "state") == "open" then
  call("HSET", key, "serving", ARGV[3])
  recast(ARGV[2], ARGV[4])
end
return 1
