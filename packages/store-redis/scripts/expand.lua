#!lua flags=allow-oom
-- Lays out a page of a map's instances; what lies before the stored cursor was laid out already.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 run · 4 address · 5 fence · 6 count · 7 members of one instance · 8 from
--      9 … items: the element, how many entry steps it has (and after a blank the queue that a spread chose), their specs
-- Returns the cursor, or "stale"
-- include base clock
-- later core general
-- include flush

local step = report.stepBehind(ARGV[3], ARGV[4])
if not step or step.fence == "0" or step.fence ~= ARGV[5] or step.spec.kind ~= "m" then return "stale" end
local run = step.run
local body = bodies.of(run, step.address)
local count, from = tonumber(ARGV[6]), tonumber(ARGV[8])

-- True for a map whose body goes on by itself, or has ended.
local function isLaidOut()
  if step.state == EXPANDING then return true end
  return steps.isSettled(step) and (step.reason == "" or step.reason == "body") and body.count ~= nil
end

-- The last page ends the lease: repeated, it finds the map past its expansion under the same fence.
if isLaidOut() then return count end
local isOpen = step.phase == EXPAND and (step.state == RUNNING or step.state == READY)
if not isOpen or run.ended then return "stale" end
if run.cancelling then
  settle.step(step, CANCELLED, "cancelled")
  flushAll(ARGV[2])
  return "stale"
end

-- The addresses of all entry steps in this page.
local function entries()
  local addresses, at = {}, 9
  while at <= #ARGV do
    local last = at + 1 + tonumber(string.match(ARGV[at + 1], "^%d+"))
    for i = at + 2, last do addresses[#addresses + 1] = string.match(ARGV[i], "^[^\30]*") end
    at = last + 1
  end
  return addresses
end

if not body.count then
  body.count, body.members, body.dirty = count, count * tonumber(ARGV[7]), true
end
-- A page that begins beyond the cursor would leave a gap: the answer says where to go on.
if from <= step.cursor then
  local at, place = 9, from
  members.read(run, entries())
  while at <= #ARGV do
    local count, queue = string.match(ARGV[at + 1], "^(%d+) ?(.*)$")
    local last = at + 1 + tonumber(count)
    if place >= step.cursor then
      -- A map that failed is laid out once more by a retry; what had begun keeps its steps, and was counted.
      if queue ~= "" and (count == "0" or not steps.get(run, string.match(ARGV[at + 2], "^[^\30]*"))) then
        shares.countInstance(step, queue)
      end
      values.put(run, step.address .. ":" .. step.cursor, ARGV[at])
      ready.startEntries(run, at + 2, last, nil, step.near)
      step.cursor, step.dirty = step.cursor + 1, true
    end
    at, place = last + 1, place + 1
  end
end
-- The cursor serves another purpose once the map has ended, which it may do at once.
local cursor = step.cursor
if cursor >= count then report.beginBody(step) end
flushAll(ARGV[2])
return cursor
