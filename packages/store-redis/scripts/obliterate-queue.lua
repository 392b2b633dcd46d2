#!lua flags=allow-oom
-- Settles the oldest ready steps of a queue as cancelled: none that came after the first call, whose number the cursor is.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 queue · 4 the number up to which entries go, or "" for all there are · 5 how many at most
-- Returns { how many were settled, the number to go on with or false }
-- include base core general take flush

local queue, upTo = ARGV[3], tonumber(ARGV[4]) or tonumber(clock.nextSeq())
local left, removed = tonumber(ARGV[5]), 0

-- Entries that nobody waits behind any more just go.
local function remove(id, address, seq)
  local run = runs.get(id, address)
  local step = run and steps.get(run, address)
  if not step or step.seq ~= seq or run.ended then return end
  settle.step(step, CANCELLED, run.cancelling and "cancelled" or "obliterated")
  removed = removed + 1
end

-- Removes entries of one line, from its old end up to the first that is too young.
local function sweep(line)
  local entries = call("LRANGE", line.key, 0, left - 1)
  packed.fetch((take.idsOf(entries)))
  local n = 0
  for _, entry in ipairs(entries) do
    local seq, _, id, address = take.readEntry(line, entry)
    if tonumber(seq) > upTo then break end
    n = n + 1
    remove(id, address, seq)
  end
  if n == 0 then return end
  call("LPOP", line.key, n)
  ledger.popped(line.queue, line.priority, line.needs, n)
  left = left - n
end

local index = PREFIX .. "lines:" .. queue
for _, member in ipairs(call("SMEMBERS", index)) do
  if left <= 0 then break end
  local priority, needs = string.match(member, "^(%d):(.*)$")
  local line = { key = PREFIX .. "line:" .. queue .. ":" .. member, queue = queue, priority = priority, needs = needs }
  sweep(line)
  if call("EXISTS", line.key) == 0 then call("SREM", index, member) end
end
flushAll(ARGV[2])
return { removed, left <= 0 and text(upTo) }
