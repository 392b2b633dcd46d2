-- Bodies: the members of a run, a map or an inlined dag, as they are counted. The run's own stands in its record, those of
-- steps in the field `#address`: `count,members,settled,failed,halted,epilogue`. The epilogue, an onFailure body, is one of
-- n (there is none), w (has not begun), r (runs), o (over).

-- True for an address inside a map, and for keys of values under it.
function bodies.isInner(text)
  return string.find(text, "%[%d") ~= nil
end

-- The body that hangs below an owner; "" is the run.
function bodies.of(run, owner)
  if owner == "" then return run.body end
  local body = run.bodies[owner]
  if body then return body end
  local record = call("HGET", bodies.isInner(owner) and runs.moreKey(run) or run.key, "#" .. owner)
  if record then
    local count, members, settled, failed, halted, epilogue = string.match(record, "^(%d*),(%d+),(%d+),(%d+),(%d+),(.)$")
    body = { count = tonumber(count), members = tonumber(members), settled = tonumber(settled), failed = tonumber(failed),
      halted = tonumber(halted), epilogue = epilogue }
  else
    body = { members = 0, settled = 0, failed = 0, halted = 0, epilogue = "n" }
  end
  own(run, "bodies")[owner] = body
  return body
end

-- Takes a body away.
function bodies.remove(run, owner)
  call("HDEL", bodies.isInner(owner) and runs.moreKey(run) or run.key, "#" .. owner)
  own(run, "bodies")[owner] = nil
end

function bodies.format(body)
  return (body.count or "") .. "," .. body.members .. "," .. body.settled .. "," .. body.failed .. "," .. body.halted .. ","
    .. body.epilogue
end
