-- Tenants: keys that take turns in a queue, each by its weight (core's tenant-turns.ts has the law). The first use of a tuple may be
-- `f=<tenant>=1`, which is no limit; who stands under none such is nobody's. Open lines of a tenant stand in a ring of its own, `ring:<queue>:<priority>:<needs>:<tenant>`;
-- `tenants:<queue>:<priority>:<needs>` is the zset of those who have one, by their tags, which may be late: tags only grow. What they are stands in the zset
-- `tags:<queue>:<priority>`, as long as it is later than the virtual time, which the hash `times` has by `queue:priority:needs` (and by `queue:priority` the latest of those): sessions that serve other tasks
-- have other tenants before them. The member `priority:needs:` of `rings:<queue>` says that there are any. `weights:<queue>` is the hash of weights that are not 1.

local match = string.match
local times = {}

-- Whose turn the steps of a line take; nil where nobody's.
function tenants.of(tuple)
  return match(tuple, "^f=([^=&]+)=")
end

-- The ring in which a line stands when it is open.
function tenants.ringOf(queue, priority, needs, tuple)
  local ring, tenant = PREFIX .. "ring:" .. queue .. ":" .. priority .. ":" .. needs, tenants.of(tuple)
  return tenant and ring .. ":" .. tenant or ring, tenant
end

-- Has a tenant take turns that has an open line; it begins where the others are.
function tenants.open(queue, priority, needs, tenant)
  local place = queue .. ":" .. priority
  local ring = place .. ":" .. needs
  local list = PREFIX .. "tenants:" .. ring
  if call("EXISTS", list) == 0 then
    -- While nobody was there the others went on.
    local known = call("HMGET", PREFIX .. "times", ring, place)
    times[ring] = math.max(tonumber(known[1] or "") or 0, tonumber(known[2] or "") or 0)
    if times[ring] > 0 then call("HSET", PREFIX .. "times", ring, times[ring]) end
  elseif not times[ring] then
    times[ring] = tonumber(call("HGET", PREFIX .. "times", ring) or "") or 0
  end
  local tag = tonumber(call("ZSCORE", PREFIX .. "tags:" .. place, tenant) or "") or 0
  call("ZADD", list, "NX", math.max(tag, times[ring]), tenant)
  call("SADD", PREFIX .. "rings:" .. queue, priority .. ":" .. needs .. ":")
end

-- Has a tenant take no more turns that has no open line.
function tenants.close(queue, priority, needs, tenant)
  local ring = queue .. ":" .. priority .. ":" .. needs
  if call("EXISTS", PREFIX .. "ring:" .. ring .. ":" .. tenant) == 1 then return false end
  call("ZREM", PREFIX .. "tenants:" .. ring, tenant)
  return true
end

-- The virtual time of some rings was put on.
function tenants.forgetTimes()
  times = {}
end
