-- What a session is told of the steps that it was given: for each a head, `run address fence phase needs plan tries lost
-- priority cursor outcome traceparent tags reads [laid]` joined by US, then a value for each key in `reads` (false: there is none; 0:
-- it is too large to go along). A step that is in all else like an earlier one has the head `US address US reads US which`, the first being 0.

-- A value larger than this is left for the worker to read, and what the values of one reply may take together.
local VALUE_BYTES, REPLY_BYTES = 65536, 1048576

local find = string.find

local function headOf(step, run, reads)
  return run.id .. US .. step.address .. US .. step.fence .. US .. step.phase .. US .. steps.needsOf(step) .. US .. run.plan .. US
    .. step.tries .. US .. step.lost .. US .. steps.priorityOf(step) .. US .. step.cursor .. US
    .. (step.phase == ADVANCE and step.state or "") .. US .. run.traceparent .. US .. run.tags .. US .. reads
    .. (step.spec.laid and US .. step.spec.laid or "")
end

-- Reads what those read that are told beside others like them, all of a run in one look.
local function readAll(list)
  local keys, last, wanted = {}, nil, nil
  for i = 1, #list do
    local reads = take.reads[i]
    if reads and reads ~= "" then
      local run = list[i].run
      if run ~= last then
        last, wanted = run, keys[run] or {}
        keys[run] = wanted
      end
      if find(reads, GS, 1, true) then
        for _, key in ipairs(splitBy(reads, GS)) do wanted[#wanted + 1] = key end
      else
        wanted[#wanted + 1] = reads
      end
    end
  end
  for run, each in pairs(keys) do values.load(run, each) end
end

-- The head of the n-th of a list, which is told beside others like it.
local function headOfMember(taking, n, reads)
  if taking.place then return US .. take.addresses[n] .. US .. reads .. US .. taking.place end
  taking.place, taking.step.address = n - 1 .. "", take.addresses[n]
  runs.describe(taking.run)
  return headOf(taking.step, taking.run, reads)
end

function report.grantsOf(list)
  local reply, n, room, read = {}, 0, REPLY_BYTES, take.reads
  readAll(list)
  local function add(value)
    local size = value and #value or 0
    n = n + 1
    if size > VALUE_BYTES or size > room then
      reply[n] = 0
    else
      reply[n], room = value, room - size
    end
  end
  for i, step in ipairs(list) do
    local run, reads = step.run, read[i]
    n = n + 1
    if reads then
      reply[n] = headOfMember(step, i, reads)
    else
      runs.describe(run)
      reads = step.phase ~= ADVANCE and step.spec.reads or ""
      reply[n] = headOf(step, run, reads)
    end
    if find(reads, GS, 1, true) then
      for _, value in ipairs(values.getAll(run, splitBy(reads, GS))) do add(value) end
    elseif reads ~= "" then
      add(values.get(run, reads))
    end
  end
  return reply
end
