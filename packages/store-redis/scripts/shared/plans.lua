-- Plans: the hash `plan:<hash>` has its text, and how many runs and registrations need it; who takes the last away deletes it.
-- The hash `names` has the newest registration of each name, as `<kind> <plan>`.

-- One run (field "runs") or registration (field "names") less.
function plans.drop(hash, field)
  local key = PREFIX .. "plan:" .. hash
  if call("HINCRBY", key, field, -1) > 0 then return end
  local left = call("HMGET", key, "runs", "names")
  if (tonumber(left[1]) or 0) > 0 or (tonumber(left[2]) or 0) > 0 then return end
  for name in string.gmatch(call("HGET", key, "kinds") or "", "........") do call("HDEL", PREFIX .. "kinds", name) end
  call("UNLINK", key)
end

function plans.register(name, kind, hash, text)
  local entry = kind .. " " .. hash
  local before = call("HGET", PREFIX .. "names", name)
  if before == entry then return end
  call("HSETNX", PREFIX .. "plan:" .. hash, "text", text)
  call("HINCRBY", PREFIX .. "plan:" .. hash, "names", 1)
  call("HSET", PREFIX .. "names", name, entry)
  if before then plans.drop(string.match(before, " (.*)$"), "names") end
end
