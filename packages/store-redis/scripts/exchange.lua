#!lua flags=allow-oom
-- Settles what is reported and hands out new steps, in one round trip. Repeating a lane's last number answers the same steps
-- again and applies nothing twice.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 session · 4 lane · 5 seq · 6 slots · 7 control · 8 inline, 1 or 0 · 9 queues joined
--      by US · 10 … reports, see shared/report.lua
-- Returns { "late", last seq } when the number is older than the lane's last; else { "ok", alive 1 or 0, results (a letter for each report),
--      more 1 or 0, ms until the next timer or false, mail (run ids), grants (see shared/grants.lua) }
-- include base clock runs steps bodies values events ledger ready lease epilogue settle run-end history quick report session grants take flush

local who = session.find(ARGV[3])
report.session = who and who.id
local lanes = PREFIX .. "lanes:" .. ARGV[3]

local function applyAll()
  local results, n, at = {}, 0, 10
  while at <= #ARGV do
    n = n + 1
    results[n], at = report.apply(at)
  end
  return table.concat(results)
end

local function reply(results, more, list)
  return { "ok", who and who.alive and 1 or 0, results, more, clock.nextDueMs(), who and session.mail(who.id) or {}, grantsOf(list) }
end

-- Leases outlive their session until somebody takes the steps, so what a lost one reports may still count.
if not who then
  local results = applyAll()
  flushAll(ARGV[2])
  return reply(results, 0, {})
end

-- What a lane remembers: `seq US results US more US run address fence …`, the leases joined by GS and RS.
local last = call("HGET", lanes, ARGV[4])
if last then
  local seq, results, more, leases = string.match(last, "^(%d+)\31(%l*)\31(%d)\31(.*)$")
  if tonumber(ARGV[5]) < tonumber(seq) then return { "late", seq } end
  if tonumber(ARGV[5]) == tonumber(seq) then
    -- The same answer once more: the same steps, where they are still the session's.
    local list = {}
    for id, address, fence in string.gmatch(leases, "([^\29]*)\29([^\29]*)\29(%d+)\30") do
      local run = runs.getForGrant(id, address)
      local step = run and steps.get(run, address)
      if step and step.session == who.id and step.fence == fence then list[#list + 1] = step end
    end
    return reply(results, tonumber(more), list)
  end
end

if who.alive then
  take.begin(who, tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == "1", ARGV[9])
  settle.takeInline = take.takeInline
end
local results = applyAll()
settle.takeInline = nil
if who.alive then take.fromLines() end

local more = take.drops >= DROP_LIMIT and 1 or 0
local leases = {}
for i, step in ipairs(take.steps) do
  leases[i] = (step.run or step).id .. GS .. step.address .. GS .. (step.fence or "1") .. RS
end
call("HSET", lanes, ARGV[4], ARGV[5] .. US .. results .. US .. more .. US .. table.concat(leases))
local answer = reply(results, more, take.steps)
flushAll(ARGV[2])
return answer
