#!lua flags=allow-oom
-- Keeps what code says of some queues.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 … by turns a queue and the parts of its policy (see shared/steering.lua)
-- include base clock steering

for i = 2, #ARGV, 2 do
  local queue, code = ARGV[i], ARGV[i + 1]
  local now = steering.read(queue)
  if now.code ~= code then
    now.code = code
    steering.write(queue, now)
  end
end
clock.flush()
return 1
