-- What a run counts, against a recount of its steps. Sums are { bodies (settled, failed, halted by owner), names, holds, moving,
-- due }; those of a run with very many steps are added up by the client, page by page.

function check.newSums()
  return { bodies = {}, names = {}, holds = {}, moving = 0 }
end

local function raise(list, key)
  list[key] = (list[key] or 0) + 1
end

-- What one step adds to the sums.
function check.add(sums, step)
  local spec, state = step.spec, step.state
  local isSettled = steps.isSettled(step)
  local owner = sums.bodies[spec.owner]
  if not owner then
    owner = { 0, 0, 0 }
    sums.bodies[spec.owner] = owner
  end
  -- An onFailure body and the opening are no members; what still has to say what follows has not counted yet.
  if isSettled and step.phase ~= ADVANCE and step.address ~= "" and not epilogue.is(step) then
    owner[1] = owner[1] + 1
    if settle.halts(step) then owner[3] = owner[3] + 1 end
  end
  if state == FAILED and step.rescued == -1 and not epilogue.is(step) then owner[2] = owner[2] + 1 end
  if step.mapped then raise(sums.names, "+" .. state .. (spec.name == "" and step.address or spec.name)) end
  if step.session then raise(sums.holds, step.session) end
  if step.session or step.phase == ADVANCE or state == READY or state == WAITING or state == RUNNING then sums.moving = sums.moving + 1 end
  if state == WAITING and step.due ~= "" then sums.due = tonumber(step.due) end
end

-- What is counted, by what: { kind, step, recorded, counted, mend }.
local function differences(run, sums, fields)
  local list = {}
  local function note(kind, what, recorded, counted, mend)
    if recorded ~= counted then list[#list + 1] = { kind = kind, what = what, recorded = recorded, counted = counted, mend = mend } end
  end
  if not run.cancelling then
    local owners = { [""] = true }
    for owner in pairs(sums.bodies) do owners[owner] = true end
    for _, owner in ipairs(fields.bodies) do owners[owner] = true end
    for owner in pairs(owners) do
      local body, sum = bodies.of(run, owner), sums.bodies[owner] or { 0, 0, 0 }
      note("count-body", owner, body.settled .. "," .. body.failed .. "," .. body.halted, table.concat(sum, ","), function()
        body.settled, body.failed, body.halted, body.dirty = sum[1], sum[2], sum[3], true
      end)
    end
  end
  local function recount()
    local list = {}
    for session, n in pairs(sums.holds) do list[#list + 1] = session .. ":" .. n end
    run.holders, run.holds, run.dirty = table.concat(list, " "), nil, true
  end
  local holders = {}
  for session, n in string.gmatch(runs.holdersOf(run), "([^ :]+):(%d+)") do holders[session] = tonumber(n) end
  for session in pairs(sums.holds) do holders[session] = holders[session] or 0 end
  for session, n in pairs(holders) do
    local counted = sums.holds[session] or 0
    note("count-held", "", session .. ":" .. n, session .. ":" .. counted, recount)
  end
  local names = {}
  for _, field in ipairs(fields.names) do names[field] = tonumber(call("HGET", run.key, field)) or 0 end
  for field in pairs(sums.names) do names[field] = names[field] or 0 end
  for field, n in pairs(names) do
    local counted = sums.names[field] or 0
    note("count-name", string.sub(field, 3), string.sub(field, 2, 2) .. n, string.sub(field, 2, 2) .. counted, function()
      local counts = own(run, "counts")
      counts[field] = (counts[field] or 0) + counted - n
    end)
  end
  return list
end

-- Compares; `isCertain` says of a difference whether it may be told. Answers those that may not.
function check.compare(run, sums, fields, isCertain)
  local unsure = {}
  for _, each in ipairs(differences(run, sums, fields)) do
    local detail = "recorded " .. each.recorded .. ", counted " .. each.counted
    if not isCertain(each.kind .. US .. each.what .. US .. detail) then
      unsure[#unsure + 1] = each.kind .. US .. each.what .. US .. detail
    elseif check.tell(each.kind, run.id, each.what, "", detail, true) then
      each.mend()
    end
  end
  return unsure
end
