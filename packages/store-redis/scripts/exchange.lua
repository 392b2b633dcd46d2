#!lua flags=allow-oom
-- Settles what is reported and hands out new steps, in one round trip. Repeating a lane's last number answers the same steps
-- again and applies nothing twice.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 session · 4 lane · 5 seq · 6 slots · 7 control · 8 inline, 1 or 0, and behind | the weights of the queues joined by commas, if any · 9 queues joined
--      by US · 10 plain successes, see shared/successes.lua · 11 how many specs they name · 12 … these · … other reports, see
--      shared/report.lua
-- Returns { "late", last seq } when the number is older than the lane's last; else { "ok", alive 1 or 0, results (a letter for each plain
--      success, then for each other report), more 1 or 0, ms until the next timer or false, mail (run ids), singles (ids and records by
--      turns), their kinds joined by RS, steps of packed runs joined by US, their heads joined by RS (see shared/take.lua), other grants
--      (see shared/grants.lua), places, of weighted queues how many steps each gave, joined by commas, and ms until the next limit is to look or false (see
--      shared/parking.lua) }
-- include base core session take offers turns fair-turns levels parts successes
-- later general grants
-- include flush

local who = session.find(ARGV[3])
local lanes = PREFIX .. "lanes:" .. ARGV[3]
local firstSpec = 12
local firstReport = firstSpec + ARGV[11]
-- The most limits that one exchange has look at who waits for them.
local RING_LIMIT = 100

local function applyAll()
  local results, at = {}, firstReport
  successes.apply(who, ARGV[10], firstSpec, firstReport - 1, results)
  while at <= #ARGV do
    results[#results + 1], at = report.apply(at)
  end
  return table.concat(results)
end

-- What a lane remembers of what was taken, as it stands in `held:<session>`.
local function leasesTaken()
  local list, members = {}, take.members
  for i = 1, #singles.granted, 2 do list[#list + 1] = singles.granted[i] end
  for i = 1, #members do list[#list + 1] = members[i] end
  return table.concat(list, RS)
end

local function reply(results, more)
  return { "ok", who and who.alive and 1 or 0, results, more, clock.nextDueMs(), who and session.mail(who.id) or NONE,
    singles.granted, table.concat(singles.headTexts(), RS), table.concat(take.packed, US), table.concat(take.heads, RS),
    #take.steps > 0 and report.grantsOf(take.steps) or NONE, table.concat(take.places, ","), table.concat(take.taken, ","),
    limits.isOn and who and limits.nextOpeningMs(who.id, who.alive and take.slots > 0) }
end

-- Leases outlive their session until somebody takes the steps, so what a lost one reports may still count.
if not who then
  local results = applyAll()
  flushAll(ARGV[2])
  return reply(results, 0)
end

-- What a lane remembers is `seq US results US more US leases`.
local last = call("HGET", lanes, ARGV[4])
if last then
  local seq, results, more, leases = string.match(last, "^(%d+)\31(%l*)\31(%d)\31(.*)$")
  if tonumber(ARGV[5]) < tonumber(seq) then return { "late", seq } end
  if tonumber(ARGV[5]) == tonumber(seq) then
    -- The same answer once more: the same steps, where they are still the session's.
    for each in string.gmatch(leases, "[^\30]+") do
      local id, address, fence = lease.read(each)
      local run = runs.getForGrant(id, address)
      local step = run and (each == id and runs.soleStep(run) or steps.get(run, address))
      if step and step.session == who.id and step.fence == fence then
        take.steps[#take.steps + 1] = step
        take.places[#take.steps] = "o"
      end
    end
    return reply(results, tonumber(more))
  end
end

-- Who asks opens what limits let through by now.
if who.alive and limits.isOn and tonumber(ARGV[6]) > 0 then limits.ringDue(RING_LIMIT) end
if who.alive then take.begin(who, tonumber(ARGV[6]), tonumber(ARGV[7]), string.sub(ARGV[8], 1, 1) == "1", ARGV[9], string.sub(ARGV[8], 3)) end
local results = applyAll()
take.inline = false
if who.alive then take.fromLines() end

local more = take.drops >= take.DROP_LIMIT and 1 or 0
call("HSET", lanes, ARGV[4], ARGV[5] .. US .. results .. US .. more .. US .. leasesTaken())
-- Of a session that is over, no one would take it away.
if not who.alive then call("PEXPIRE", lanes, session.REMEMBERED_MS) end
-- What is told of steps is read before they are written.
local answer = reply(results, more)
flushAll(ARGV[2])
-- Who was woken since his role has room, and has left some of it, wakes the next.
if take.crew then roles.wake(who.role) end
return answer
