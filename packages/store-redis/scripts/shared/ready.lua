-- Making steps ready: a body's entries, a released step, an advance.

-- Makes the entry steps of a body ready; those that have a record already are left alone, so a page may come twice.
-- `from` to `to` are the places in ARGV of `address RS spec`.
function ready.startEntries(run, from, to)
  for i = from, to do
    local address, spec = string.match(ARGV[i], "^([^\30]*)\30(.*)$")
    if not steps.get(run, address) then ready.release(steps.add(run, address, spec)) end
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

-- Puts a step at the end of its line.
function ready.make(step)
  steps.move(step, READY)
  step.readyAt, step.due = step.run.age, ""
  ready.enqueue(step)
end

-- Hands a settled step to some worker, to be told what follows from `cursor` on.
function ready.requestAdvance(step, cursor)
  step.phase, step.cursor = ADVANCE, cursor
  ready.enqueue(step)
end

-- An entry in the line of a step's queue and priority, or in the control line.
function ready.enqueue(step)
  local queue = step.phase == RUN and step.spec.queue or ""
  step.seq, step.dirty = clock.nextSeq(), true
  ledger.push(queue, steps.priorityOf(step), "", step.seq, step.run.id, step.address)
end
