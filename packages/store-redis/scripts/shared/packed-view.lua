-- Packed runs as those see them who look at a run by itself: { id, state, settled, started, ended, live, kind, rest }, where kind is its name, and
-- rest is birth, input and what is done, as packed.lua has them. What was met in this form is changed in no other way from then on than by being
-- unpacked.

local byte, find, sub, match = string.byte, string.find, string.sub, string.match

-- What is at hand, with the numbers of entries; nil where one is not to be found.
local function numbered(live, record, outputs)
  local firsts, isBroken = { [0] = match(record, "^p........(%d+),") }, false
  for first in string.gmatch(outputs, "\30[^\31]*\31[^,]*,[^,]*,[^,]*,[^,]*,(%d*)\31") do firsts[#firsts + 1] = first end
  live = string.gsub(live, "(\29r[^,]*,)(%d+):(%d+),", function(before, n, i)
    local first = tonumber(firsts[tonumber(n)] or "")
    if not first then isBroken = true end
    return before .. text((first or 0) + i) .. ","
  end)
  return not isBroken and live or nil
end

local function view(id, record)
  if byte(record) == singles.LETTER then return singles.parse(id, record) end
  if byte(record) ~= packed.LETTER then return false end
  local standing, outputs = packed.stand(id)
  if not standing or standing.kind.id ~= sub(record, 2, 9) then return false end
  local live = numbered(standing.live, record, outputs)
  if not live then return false end
  local tally = packed.tallies[id]
  -- Whoever looks at it in this form tells what has happened to it.
  packed.progress[id], packed.tallies[id] = false, nil
  return { id = id, state = standing.state, settled = standing.settled, started = standing.started, ended = standing.ended,
    live = live, kind = standing.kind.id, rest = sub(record, find(record, ",", 1, true) + 1) .. outputs,
    tally = tally and math.abs(tally) }
end

-- A packed run; nil where it is none.
function packed.get(id)
  local run = packed.known[id]
  if run == nil then
    run = call("HGET", packed.key, id)
    packed.known[id] = run
  end
  if not run then return nil end
  if type(run) == "string" then
    run = view(id, run)
    packed.known[id] = run
  end
  return run or nil
end

-- The first step of a run that stands in a line, and the number of its entry; nil where none does.
function packed.firstReady(run)
  return match(run.live, "^\29r([^,]*),(%d+),")
end

function packed.numberOf(run)
  return match(run.rest, "^%d+,(%d+)")
end

-- The fields h and s of a run, as runs.lua has them: `purged` is 0 or 1.
function packed.headOf(run, purged)
  local kind, created, number = kinds.get(run.kind), match(run.rest, "^(%d+),(%d+),")
  local function age(instant) return instant == "" and "" or text(instant - created) end
  return created .. "," .. kind.letter .. "," .. number .. "," .. kind.mode .. "," .. kind.priority .. ",," .. kind.members .. ","
    .. kind.inline, run.state .. ",0,0," .. age(run.started) .. "," .. age(run.ended) .. "," .. run.settled .. ",0,0,"
    .. (kind.onFailure and "w," or "n,") .. purged .. ","
end

-- Leaves of a run that has ended only what says that it was there, in a hash of its own: kinds do not last as long.
function packed.leaveTrace(run)
  local kind, head, status = kinds.get(run.kind), packed.headOf(run, 1)
  call("HSET", PREFIX .. "run:" .. run.id, "h", head, "s", status, "p", kind.plan, "n", kind.name, "f",
    match(run.rest, "^%d+,%d+,([^\30\31]*)"))
end

function packed.strip(run)
  packed.leaveTrace(run)
  packed.remove(run.id)
  packed.known[run.id] = false
end

function packed.remove(id)
  call("HDEL", packed.key, id)
  call("HDEL", packed.progressKey, id)
end
