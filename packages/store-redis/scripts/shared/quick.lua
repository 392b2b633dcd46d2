-- The straight road of single tasks: a run of one step that is submitted, taken and succeeds, with nothing special about it. Its
-- epilogue letter is 1. Nothing is unpacked into tables here; whatever leaves the road (a retry, a loss, a cancel, a large output)
-- is handled as any other step, by the same records. These three functions and steps.format, statusOf have to agree.

-- What the records say before, between and after.
local FRESH_STATUS = "r,0,0,,,0,0,0,1,0,"

-- Writes a run that was submitted; its step stands in its line.
function quick.submit(id, head, plan, fingerprint, name, input, address, specText, queue, priority)
  local seq = clock.nextSeq()
  local key, at, state = PREFIX .. "run:" .. id, "@" .. address, "rr,0,0,0,," .. seq .. ",0,,,,,,,"
  if steps.share(plan, specText) then
    call("HSET", key, "h", head, "s", FRESH_STATUS, at, state, "=:input", input, "p", plan, "f", fingerprint, "n", name)
  else
    call("HSET", key, "h", head, "s", FRESH_STATUS, at, state, "=:input", input, "p", plan, "f", fingerprint, "n", name,
      "$" .. address, specText)
  end
  ledger.push(queue, priority, "", seq, id, address)
end

-- Takes a step that was never taken before. Answers its grant; nil where it is none of these.
function quick.take(who, seq, id, address)
  if runs.known[id] then return nil end
  local key, at = PREFIX .. "run:" .. id, "@" .. address
  local found = call("HMGET", key, "h", "s", at, "$" .. address, "=:input", "p")
  if found[2] ~= FRESH_STATUS or found[3] ~= "rr,0,0,0,," .. seq .. ",0,,,,,,," then return nil end
  local spec = steps.specOf(found[4] or steps.sharedSpec(found[6]))
  local needs = spec.needs == "=" and address or spec.needs
  if not found[5] or not who.serves[needs] then return nil end
  local created = string.match(found[1], "^%d+")
  local age = text(clock.now - created)
  call("HSET", key, "s", "r,0,0," .. age .. ",,0,0,0,1,0," .. who.id .. ":1", at, "xr,1,0,0," .. who.id .. ",,0," .. age .. ",,,,,," .. who.worker)
  lease.note(who.id, id .. "|" .. address, "1")
  ledger.running(spec.queue, 1)
  local priority = spec.priority or string.match(found[1], "^%d+,.,%d+,.,(%d)")
  return { id = id, address = address, head = id .. US .. address .. US .. "1" .. US .. RUN .. US .. needs .. US .. found[6] .. US
    .. "0" .. US .. "0" .. US .. priority .. US .. "0" .. US .. US .. US .. US .. spec.reads, value = spec.reads ~= "" and found[5] }
end

-- A success of such a step, under the lease of its first taking. True where it was one.
function quick.succeed(session, id, address, fence, output)
  if fence ~= "1" or #output > 64 or runs.known[id] then return false end
  local key, at = PREFIX .. "run:" .. id, "@" .. address
  local found = call("HMGET", key, "h", "s", at, "$" .. address, "p")
  local started = string.match(found[2] or "", "^r,0,0,(%d+),,0,0,0,1,0,")
  if not started or not found[3] then return false end
  local rest = "," .. started .. ",,,,,,"
  local before = "xr,1,0,0," .. session .. ",,0" .. rest
  if string.sub(found[3], 1, #before) ~= before then return false end
  local age = text(clock.now - string.match(found[1], "^%d+"))
  call("HSET", key, "s", "s,0,0," .. started .. "," .. age .. ",1,0,0,1,0,",
    at, "sr,1,0,0,,,0," .. started .. "," .. age .. ",,,,," .. string.sub(found[3], #before + 1), "=" .. address, output)
  lease.drop(session, id .. "|" .. address)
  ledger.running(steps.specOf(found[4] or steps.sharedSpec(found[5])).queue, -1)
  events.addText("e" .. US .. id .. US .. US .. "s s1")
  settle.shelve("ended:s", clock.stamp .. id)
  return true
end
