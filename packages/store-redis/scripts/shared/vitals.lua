-- What workers tell with their renewals. The hash `beats:<session>` has the newest progress of steps that the session holds, by their
-- members of `held:<session>`, as `heard,since RS at RS rest`: instants, `at` as JSON or nothing, the rest as the worker wrote it. A
-- field ends with its lease (see lease.lua). The hash `durations` has for each task what its successes took lately, as
-- `bucket:count` with blanks between; core's durations.ts is the same in TypeScript.

-- Counts are halved when they add up to more than this; what is left of one below the other is forgotten.
local KEPT, LEAST = 2048, 0.05

-- What was so many ms ago, as text.
local function instant(agoMs)
  return string.format("%.0f", clock.now - agoMs)
end

-- The beats at ARGV[from] and after, each with the member of `held:<session>` that it is of; false where the session does not hold that
-- step under that fence.
function vitals.readBeats(id, from, count)
  local beats, members = {}, {}
  for i = 1, count do
    local at = from + 6 * (i - 1)
    local run, address, fence = string.match(ARGV[at], "^([^|]*)|(.*)|(%d+)$")
    beats[i] = { heard = instant(ARGV[at + 1]), since = instant(ARGV[at + 2]), at = ARGV[at + 3], rest = ARGV[at + 4],
      run = { id = run }, address = address, news = ARGV[at + 5], member = false }
    -- A single, which is held under its run alone, is taken once.
    members[2 * i - 1], members[2 * i] = ARGV[at], fence == "1" and run or ""
  end
  if count == 0 then return beats end
  local held = call("SMISMEMBER", PREFIX .. "held:" .. id, unpack(members))
  for i, beat in ipairs(beats) do
    beat.member = held[2 * i - 1] == 1 and members[2 * i - 1] or held[2 * i] == 1 and members[2 * i]
  end
  return beats
end

-- Keeps beats, and tells what is new in them; since when `at` is what it is stays as it was while it is the same.
function vitals.keepBeats(id, beats)
  local fields = {}
  for _, beat in ipairs(beats) do
    if beat.member then fields[#fields + 1] = beat.member end
  end
  if #fields == 0 then return end
  local key, known, writes = PREFIX .. "beats:" .. id, {}, {}
  fetchInto(known, key, fields)
  for _, beat in ipairs(beats) do
    if beat.member then
      local since, at, rest = string.match(known[beat.member] or "", "^%d+,(%d+)\30([^\30]*)\30(.*)$")
      if beat.news ~= "" and (at ~= beat.at or rest ~= beat.rest) then events.add(beat.run, "p", beat.address, beat.news) end
      if at ~= beat.at then since = beat.since end
      local n = #writes
      writes[n + 1] = beat.member
      writes[n + 2] = beat.heard .. "," .. since .. RS .. beat.at .. RS .. beat.rest
    end
  end
  callMany("HSET", key, writes)
  -- Who ends a lease of this session looks for its progress from now on.
  call("HSET", PREFIX .. "session:" .. id, "beats", "1")
end

function vitals.staleOf(beats)
  local stale = {}
  for i, beat in ipairs(beats) do
    if not beat.member then stale[#stale + 1] = i - 1 end
  end
  return stale
end

-- Adds counts, `bucket:count` with blanks between, to those of a task.
function vitals.addDurations(task, more)
  local key, counts, total = PREFIX .. "durations", {}, 0
  for bucket, n in string.gmatch((call("HGET", key, task) or "") .. " " .. more, "(%d+):([%d.]+)") do
    counts[bucket] = (counts[bucket] or 0) + tonumber(n)
    total = total + tonumber(n)
  end
  local share, list = 1, {}
  while total * share > KEPT do share = share / 2 end
  for bucket, n in pairs(counts) do
    if share == 1 or n * share >= LEAST then list[#list + 1] = bucket .. ":" .. string.format("%.6g", n * share) end
  end
  call("HSET", key, task, table.concat(list, " "))
end
