-- What the clock counts, against what it has numbered. Handlers as in check-session.lua.

-- How many of the lists of runs that began last are looked at.
local LISTS = 100

-- The number of the newest event in the feed.
local function eventsTold()
  local newest = call("XREVRANGE", PREFIX .. "events", "+", "-", "COUNT", 1)[1]
  return newest and tonumber(string.match(newest[1], "^%d+")) or 0
end

-- How many runs were numbered, by the last place in their lists.
local function runsNumbered()
  local last = -1
  for _, bucket in ipairs(call("ZRANGE", PREFIX .. "starts", -LISTS, -1)) do last = math.max(last, tonumber(bucket) or -1) end
  return last < 0 and 0 or last * 1000 + call("LLEN", PREFIX .. "runs:" .. text(last))
end

-- A clock that was lost, or set back, gives numbers out that others have: lists, lines and the feed are by numbers.
check.handlers["clock"] = function()
  local told, numbered = eventsTold(), runsNumbered()
  if told <= clock.events and numbered <= clock.runs then return end
  local detail = string.format("recorded %.0f runs and %.0f events, counted %.0f and %.0f", clock.runs, clock.events, numbered, told)
  if not check.tell("clock-behind", nil, nil, "clock", detail, true) then return end
  clock.runs, clock.events = math.max(clock.runs, numbered), math.max(clock.events, told)
  -- How far the numbers of lines and timers had come is nowhere to be read; there never were as many as milliseconds.
  clock.seq = math.max(clock.seq, clock.now)
  clock.flush()
end
