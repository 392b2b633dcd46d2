-- The bare floor: the least that any queue with stored results must do for a step. It keeps no promise: no lease, no fence, no
-- order of priorities, no events, no end of a run. It is measured beside the engine to show what the promises cost.
--
-- KEYS: the list of waiting ids, the set of running ones
-- ARGV: the prefix of a step's hash, the instant, how many to take, then id and result of each step that is reported
local waiting, running = KEYS[1], KEYS[2]
local prefix, now, room = ARGV[1], ARGV[2], ARGV[3]

for i = 4, #ARGV, 2 do
  redis.call('SREM', running, ARGV[i])
  redis.call('HSET', prefix .. ARGV[i], 'result', ARGV[i + 1], 'end', now)
end

local ids = redis.call('LPOP', waiting, room)
if not ids then return {} end
redis.call('SADD', running, unpack(ids))
local taken = {}
for i, id in ipairs(ids) do
  local step = redis.call('HMGET', prefix .. id, 'name', 'input')
  taken[i] = { id, step[1], step[2] }
end
return taken
