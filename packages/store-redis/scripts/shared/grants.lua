-- What a session is told of the steps that it was given: for each a head, `run address fence phase needs plan tries lost
-- priority cursor outcome traceparent tags reads [laid]` joined by US, then a value for each key in `reads` (false: there is none; 0:
-- it is too large to go along).

-- A value larger than this is left for the worker to read, and what the values of one reply may take together.
local VALUE_BYTES, REPLY_BYTES = 65536, 1048576

local function headOf(step, run, reads)
  return run.id .. US .. step.address .. US .. step.fence .. US .. step.phase .. US .. steps.needsOf(step) .. US .. run.plan .. US
    .. step.tries .. US .. step.lost .. US .. steps.priorityOf(step) .. US .. step.cursor .. US
    .. (step.phase == ADVANCE and step.state or "") .. US .. run.traceparent .. US .. run.tags .. US .. reads
    .. (step.spec.laid and US .. step.spec.laid or "")
end

function report.grantsOf(list)
  local reply, n, room = {}, 0, REPLY_BYTES
  for _, step in ipairs(list) do
    local run = step.run
    n = n + 1
    runs.describe(run)
    local reads = step.phase ~= ADVANCE and step.spec.reads or ""
    reply[n] = headOf(step, run, reads)
    for _, value in ipairs(reads == "" and NONE or values.getAll(run, splitBy(reads, GS))) do
      n = n + 1
      local size = value and #value or 0
      if size > VALUE_BYTES or size > room then
        reply[n] = 0
      else
        reply[n] = value
        room = room - size
      end
    end
  end
  return reply
end
