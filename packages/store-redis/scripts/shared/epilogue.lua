-- onFailure bodies, and the other step that only the store knows of.

-- A spec that the store makes by itself: an inlined dag that nobody waits for.
local function controlSpec(name, owner, needs, reads)
  return name .. US .. "d" .. US .. owner .. US .. "0" .. US .. "D" .. US .. "" .. US .. needs .. US .. "" .. US .. "" .. US .. ENTER
    .. US .. "0" .. US .. "0" .. US .. reads
end

-- True for the step that holds an onFailure body: it is no member of the body that it follows.
function epilogue.is(step)
  return step.spec.kind == "d" and string.find("/" .. step.address, "/~onFailure", -11, true) ~= nil
end

-- Starts the onFailure body of a run or an inlined dag. Nobody sends its spec: the store alone knows when it is due.
function epilogue.start(run, owner)
  local address, name = "~onFailure", ""
  if owner ~= "" then
    local above = steps.get(run, owner)
    address = owner .. "/~onFailure"
    if above.mapped then name = above.spec.name .. "/~onFailure" end
  end
  ready.make(steps.add(run, address, controlSpec(name, owner, "", owner .. ":failure" .. GS .. owner .. ":input")))
end

-- The spec of the step at the run's own address: it stands for the entry steps beyond the first page of a submission, or for all of
-- them where the input has yet to be parsed, by whoever serves `needs`. It is handed out as `enter`, and shows nowhere else.
function epilogue.openingSpec(needs)
  return controlSpec("", "", needs, needs ~= "" and ":input" or "")
end
