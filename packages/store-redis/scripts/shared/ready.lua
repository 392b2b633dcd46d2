-- Making steps ready: a body's entries, a released step, an advance.

-- Makes the entry steps of a body ready; those that have a record already are left alone, so a page may come twice.
-- `from` to `to` are the places in ARGV of `address RS spec`.
function ready.startEntries(run, from, to, uses, near)
  for i = from, to do
    local address, spec = string.match(ARGV[i], "^([^\30]*)\30(.*)$")
    -- Those of a page of a map were looked for together.
    if not steps.get(run, address) and not (run.records[address] == false and members.add(run, address, spec)) then
      local step = steps.add(run, address, spec)
      step.uses, step.near = uses, step.spec.sticky and near or nil
      ready.release(step)
    end
  end
end

-- Lets a step run that its parents have let through, unless the run is stopped.
function ready.release(step)
  if ready.isStopped(step) then settle.step(step, CANCELLED, "stopped") else ready.make(step) end
end

-- True for a step that `stop` cancels. A map or dag whose body has begun goes on, to see the end of what runs in it.
function ready.isStopped(step)
  return step.run.stopped and step.spec.stoppable and step.phase ~= ADVANCE and step.cursor == 0
end

-- Until when a step that becomes ready, or is taken at once, has to be taken for its first try; empty: whenever. A step that comes back
-- unfinished keeps what it had.
function ready.expiryOf(step)
  local within, state = step.spec.startWithin, step.state
  if not within or step.phase ~= RUN or tonumber(step.tries) > 0 then return "" end
  if step.due ~= "" and (state == RUNNING or state == READY) then return step.due end
  return text(step.run.age + within)
end

-- True for a ready step that has waited too long for its first try.
function ready.hasExpired(step)
  return step.spec.startWithin and step.state == READY and step.phase == RUN and step.due ~= ""
    and step.run.created + step.due <= clock.now
end

-- Fails a step that was not started in time.
function ready.expire(step)
  values.put(step.run, step.address .. ":error", '{"name":"StepExpired","message":"the step was not started within '
    .. text(step.spec.startWithin) .. ' ms"}')
  settle.step(step, FAILED, "expired")
end

-- Puts a step at the end of its line, or before all others. One that may expire there has a timer with the number of its entry.
function ready.make(step, first)
  local due = ready.expiryOf(step)
  steps.move(step, READY)
  step.readyAt, step.due = step.run.age, due
  ready.enqueue(step, first)
  if due == "" then return end
  local member = string.format("%015.0f", tonumber(step.seq)) .. "|" .. step.run.id .. "|" .. step.address
  call("ZADD", PREFIX .. "timers", step.run.created + due, member)
end

-- Hands a settled step to some worker, to be told what follows from `cursor` on.
function ready.requestAdvance(step, cursor)
  step.phase, step.cursor = ADVANCE, cursor
  ready.enqueue(step)
end

-- An entry in the line of a step's queue and priority, or in the control line.
function ready.enqueue(step, first)
  local tuple = ""
  if step.phase == RUN and limits.isOn then
    tuple = limits.tupleOf(steps.needsOf(step), step.spec.queue, step.uses)
    -- Some worker has to say first which keys its input has.
    if not tuple then step.phase, tuple = ADMIT, "" end
  end
  local queue = step.phase == RUN and step.spec.queue or ""
  step.seq, step.dirty = first and clock.nextFrontSeq() or clock.nextSeq(), true
  if step.near and queue ~= "" and tuple == "" and sticky.push(step) then return end
  ledger.push(queue, steps.priorityOf(step), tuple == "" and "" or steps.needsOf(step), step.seq, step.run.id, step.address, tuple)
end
