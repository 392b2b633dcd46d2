#!lua flags=allow-oom
-- Says whether a look at the queues is due, which is the asker's then: one at a time looks.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 the look, which its asker has named · 3 ms between two looks
-- Returns { 1 or 0, the queues that are known to have had ready steps and nobody who serves them }; 0, too, where there is nothing to look at
-- include base clock

local last, look = unpack(call("HMGET", KEYS[1], "watched", "watch"))
if look ~= ARGV[2] then
  if last and clock.now - last < tonumber(ARGV[3]) then return { 0, NONE } end
  -- Behind the look stands when the one before it was.
  call("HSET", KEYS[1], "watched", clock.text, "watch", ARGV[2], "watchedbefore", last or clock.text)
  clock.flush()
end

-- Beyond so many queues the readers find out themselves.
local QUEUES = 1000

-- True where steps may stand in any queue; an idle store is to be asked no more than this.
local function mayHaveSteps()
  for _, depth in ipairs(call("HVALS", PREFIX .. "depths")) do
    if depth ~= "0" then return true end
  end
  if call("HLEN", PREFIX .. "queues") > QUEUES then return true end
  for _, queue in ipairs(call("HKEYS", PREFIX .. "queues")) do
    if call("EXISTS", PREFIX .. "lines:" .. queue, PREFIX .. "rings:" .. queue) > 0 then return true end
  end
  return false
end

local known = call("HKEYS", PREFIX .. "orphans")
if #known == 0 and not mayHaveSteps() then return { 0, NONE } end
return { 1, known }
