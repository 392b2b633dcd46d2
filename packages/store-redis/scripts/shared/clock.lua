-- The store's time, and the numbers that it gives out. ARGV[1] is an instant that a test sets, else "": then TIME is the clock.
-- The time never goes back, whatever the server's clock does: the hash `clock` keeps the last instant, and the counters
-- `seq` (entries of lines and timers), `runs` and `events`. Read once at the beginning, written once at the end.

do
  local kept = call("HMGET", KEYS[1], "ms", "seq", "runs", "events", "limited", "steered", "capped", "sticky")
  local ms = tonumber(ARGV[1])
  if not ms then
    local time = call("TIME")
    ms = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  clock.now = math.max(ms, tonumber(kept[1]) or 0)
  -- How entries of shelves begin.
  clock.text = clock.now .. ""
  clock.stamp = clock.text .. "|"
  clock.seq = tonumber(kept[2]) or 0
  clock.runs = tonumber(kept[3]) or 0
  clock.events = tonumber(kept[4]) or 0
  -- Once anything was limited.
  clock.isLimited = kept[5] and true
  -- Whether any queue is set in any way: most stores have none, and pay nothing for it.
  clock.steered = kept[6] == "1"
  -- Once any role might run so many steps only.
  clock.isCapped = kept[7] and true
  -- Once any step stood in a line of its worker.
  clock.isSticky = kept[8] and true
end

local tens, tensText

-- A number that was never given out before, larger than all before; as text. To write a number costs as much as a command, so ten of them
-- have it written once.
function clock.nextSeq()
  local seq = clock.seq + 1
  clock.seq = seq
  local digit = seq % 10
  if seq - digit ~= tens then
    tens = seq - digit
    tensText = tens > 0 and string.format("%.0f", tens / 10) or ""
  end
  return tensText .. digit
end

-- A number that was never given out before, smaller than all before; as text.
function clock.nextFrontSeq()
  return "-" .. clock.nextSeq()
end

function clock.flush()
  call("HSET", KEYS[1], "ms", clock.now, "seq", clock.seq, "runs", clock.runs, "events", clock.events)
end

-- How long until the next timer is due; false when there is none.
function clock.nextDueMs()
  local first = call("ZRANGE", PREFIX .. "timers", 0, 0, "WITHSCORES")
  return first[2] ~= nil and math.max(0, tonumber(first[2]) - clock.now)
end
