-- The feed: a stream with one entry for each script that has something to tell. The entry's id is the number of its last
-- event, its field e their list: `<type>US<run>US<step>US<detail>`, joined by RS. So events have numbers without gaps, and a
-- trimmed feed is seen by its first number. ARGV.eventsKept is told to the script by its head.

local told, count = {}, 0

-- Types: c created, e ended, a retried (again), s steps, r retry, l lost, q quarantined, d dead-lettered; p progress; g logged; x started, v succeeded,
-- f failed, k skipped, n cancelled, of steps that are told of one by one; w a worker has started, o a queue is orphaned, u it is no more: these have no run, and the name of worker or queue stands for
-- the step. Details are letters and numbers, or JSON: see src/events.ts.
function events.add(run, kind, step, detail)
  events.addText(kind .. US .. run.id .. US .. (step or "") .. US .. (detail or ""))
end

function events.addText(event)
  told[#told + 1] = event
  count = count + 1
end

-- The same event of many runs: C they were created, E their only step has succeeded; with a detail S so much was done of them, F they have ended.
function events.addGroup(kind, ids, detail)
  if #ids == 0 then return end
  told[#told + 1] = kind .. US .. table.concat(ids, " ") .. (detail and US .. detail or "")
  count = count + #ids
end

function events.tallyOf(run)
  local state, n = next(run.tally)
  if not next(run.tally, state) then return state .. text(n) end
  local parts = {}
  for state, n in pairs(run.tally) do parts[#parts + 1] = state .. n end
  return table.concat(parts, " ")
end

-- One event for all that a script did to the steps of a run.
function events.sumUp(run)
  if run.tally ~= NONE then events.add(run, "s", "", events.tallyOf(run)) end
end

function events.flush(kept)
  if count == 0 then return end
  local last = clock.events + count
  clock.events = last
  call("XADD", PREFIX .. "events", "MINID", "~", string.format("%.0f", math.max(0, last - kept)), string.format("%.0f-0", last),
    "t", clock.now, "n", count, "e", table.concat(told, RS))
  -- Whoever waits for the feed is told once, and waits again when it has read.
  if call("EXISTS", PREFIX .. "readers") == 1 then
    for _, box in ipairs(call("SPOP", PREFIX .. "readers", 100)) do
      call("RPUSH", box, "events")
      call("PEXPIRE", box, 60000)
    end
  end
end
