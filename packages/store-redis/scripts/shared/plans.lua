-- Plans: the hash `plan:<hash>` has its text, and how many runs and registrations need it; who takes the last away deletes it.
-- The hash `names` has the newest registration of each name, as `<kind> <instant> <plan>`; `versions` all that were, newest first, each
-- as `<instant> <plan>`, with commas between. What was registered beyond a plan's text, as JSON, is the plan's field `about`.

-- How many versions of one name are remembered.
local VERSIONS_KEPT = 100

-- One run (field "runs") or registration (field "names") less, or `n` of them.
function plans.drop(hash, field, n)
  local key = PREFIX .. "plan:" .. hash
  if call("HINCRBY", key, field, -(n or 1)) > 0 then return end
  local left = call("HMGET", key, "runs", "names")
  if (tonumber(left[1]) or 0) > 0 or (tonumber(left[2]) or 0) > 0 then return end
  for name in string.gmatch(call("HGET", key, "kinds") or "", "........") do call("HDEL", PREFIX .. "kinds", name) end
  call("UNLINK", key)
end

-- Makes a version the newest of its name.
local function remember(name, instant, hash)
  local versions = { instant .. " " .. hash }
  for version in string.gmatch(call("HGET", PREFIX .. "versions", name) or "", "[^,]+") do
    if #versions == VERSIONS_KEPT then break end
    if string.match(version, " (.*)$") ~= hash then versions[#versions + 1] = version end
  end
  call("HSET", PREFIX .. "versions", name, table.concat(versions, ","))
end

-- Keeps what a session registers; a hundred workers that register the same write nothing.
function plans.register(name, kind, hash, text, about)
  local key = PREFIX .. "plan:" .. hash
  local before = string.match(call("HGET", PREFIX .. "names", name) or "", "^%a+ %d+ (.*)$")
  if before ~= hash then
    local instant = string.format("%.0f", clock.now)
    call("HSETNX", key, "text", text)
    call("HINCRBY", key, "names", 1)
    call("HSET", PREFIX .. "names", name, kind .. " " .. instant .. " " .. hash)
    remember(name, instant, hash)
    if before then plans.drop(before, "names") end
  end
  if call("HGET", key, "about") ~= about then call("HSET", key, "about", about) end
end
