-- The store's time, and the numbers that it gives out. ARGV[1] is an instant that a test sets, else "": then TIME is the clock.
-- The time never goes back, whatever the server's clock does: the hash `clock` keeps the last instant, and the counters
-- `seq` (entries of lines and timers), `runs` and `events`. Read once at the beginning, written once at the end.
-- The fields that a script names in `clock.besides` are read along: `clock` has them by their names, false where there is none.

local besides = clock.besides or NONE
local kept = call("HMGET", KEYS[1], "ms", "seq", "runs", "events", "limited", "steered", "capped", "sticky", unpack(besides))
for i = 1, #besides do clock[besides[i]] = kept[8 + i] end
for i = 1, 4 do kept[i] = kept[i] or "0" end
do
  local now = ARGV[1]
  if not tonumber(now) then
    local time = call("TIME")
    now = time[1] .. string.sub(string.format("%06d", time[2]), 1, 3)
  end
  if tonumber(kept[1]) > tonumber(now) then now = kept[1] end
  clock.now, clock.text = tonumber(now), now
end
-- How entries of shelves begin.
clock.stamp = clock.text .. "|"
local seq, runs, events = tonumber(kept[2]), tonumber(kept[3]), tonumber(kept[4])
clock.seq, clock.runs, clock.events = seq, runs, events
-- Once anything was limited.
clock.isLimited = kept[5] and true
limits.isOn = clock.isLimited
-- Whether any queue is set in any way: most stores have none, and pay nothing for it.
clock.steered = kept[6] == "1"
-- Once any role might run so many steps only.
clock.isCapped = kept[7] and true
-- Once any step stood in a line of its worker.
clock.isSticky = kept[8] and true

-- Makes a function that writes numbers that follow each other: to write a number costs as much as a command, so ten of them have it written once.
function clock.writer()
  local tens, tensText
  return function(number)
    local digit = number % 10
    if number - digit ~= tens then
      tens = number - digit
      tensText = tens > 0 and string.format("%.0f", tens / 10) or ""
    end
    return tensText .. text(digit)
  end
end

local seqText = clock.writer()

-- A number that was never given out before, larger than all before; as text.
function clock.nextSeq()
  clock.seq = clock.seq + 1
  return seqText(clock.seq)
end

-- A number that was never given out before, smaller than all before; as text.
function clock.nextFrontSeq()
  return "-" .. clock.nextSeq()
end

-- What has not changed is written as it was read: to make a text of a number costs as much as a command.
function clock.flush()
  -- Who writes first says which layout it is, as an opening does: a server may have come back empty under open stores.
  if kept[1] == "0" then call("SET", PREFIX .. "schema", LAYOUT, "NX") end
  call("HSET", KEYS[1], "ms", clock.text, "seq", clock.seq == seq and kept[2] or clock.seq, "runs", clock.runs == runs and kept[3] or clock.runs,
    "events", clock.events == events and kept[4] or clock.events)
end

-- How long until the next timer is due; false when there is none.
function clock.nextDueMs()
  local first = call("ZRANGE", PREFIX .. "timers", "0", "0", "WITHSCORES")
  return first[2] ~= nil and math.max(0, tonumber(first[2]) - clock.now)
end
