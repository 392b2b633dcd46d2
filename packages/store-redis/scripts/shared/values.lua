-- Values: texts that are never looked into. Small ones stand in the run's hash, large ones and those inside maps beside it.
-- A key lives in one of the two places for good: what may be written again with another length is always kept beside.

-- True for keys of which there are many, and for errors, edited inputs and shares, which later ones replace.
local function isBeside(key)
  if not string.find(key, "[%[:]") then return false end
  return string.find(key, "%[%d") ~= nil or string.find(key, ":%d+$") ~= nil or string.find(key, ":error", 1, true) ~= nil
    or string.find(key, ":edited", 1, true) ~= nil or string.find(key, ":spread", 1, true) ~= nil
end

function values.put(run, key, value)
  local into = own(run, (#value > run.inline or isBeside(key)) and "inner" or "writes")
  local n = #into
  into[n + 1], into[n + 2] = "=" .. key, value
  own(run, "put")[key] = value
end

-- Makes sure that the values under as many keys are in `run.put`; false stands for none.
local function loadPage(run, keys)
  local home, beside, put = {}, {}, own(run, "put")
  for _, key in ipairs(keys) do
    if put[key] == nil then
      if isBeside(key) then beside[#beside + 1] = key else home[#home + 1] = key end
    end
  end
  if #home > 0 then
    local fields = {}
    for i, key in ipairs(home) do fields[i] = "=" .. key end
    for i, text in ipairs(call("HMGET", run.key, unpack(fields))) do
      if text then put[home[i]] = text else beside[#beside + 1] = home[i] end
    end
  end
  if #beside == 0 then return end
  local fields = {}
  for i, key in ipairs(beside) do fields[i] = "=" .. key end
  for i, text in ipairs(call("HMGET", runs.moreKey(run), unpack(fields))) do put[beside[i]] = text end
end

-- The same of any number of keys.
function values.load(run, keys)
  for from = 1, #keys, 500 do
    loadPage(run, #keys <= 500 and keys or { unpack(keys, from, math.min(#keys, from + 499)) })
  end
end

-- The text under a key, false when there is none.
function values.get(run, key)
  if run.put[key] == nil then loadPage(run, { key }) end
  return run.put[key]
end

-- The texts under some keys, in order; false where there is none.
function values.getAll(run, keys)
  if #keys == 1 then return { values.get(run, keys[1]) } end
  values.load(run, keys)
  local texts = {}
  for i, key in ipairs(keys) do texts[i] = run.put[key] end
  return texts
end

-- Puts a run's parsed input in the place of the raw one, which may have stood in the other of the two places.
function values.replaceInput(run, input)
  call("HDEL", run.key, "=:input")
  call("HDEL", runs.moreKey(run), "=:input")
  values.put(run, ":input", input)
end

-- Forgets the text under a key, wherever it is.
function values.drop(run, key)
  call("HDEL", run.key, "=" .. key)
  call("HDEL", runs.moreKey(run), "=" .. key)
  own(run, "put")[key] = false
end

-- Forgets the texts under some keys.
function values.dropAll(run, keys)
  local fields, put = {}, own(run, "put")
  for i, key in ipairs(keys) do
    fields[i], put[key] = "=" .. key, false
  end
  call("HDEL", run.key, unpack(fields))
  call("HDEL", runs.moreKey(run), unpack(fields))
end

-- Keeps a step's output.
function values.putOutput(step, output)
  values.put(step.run, step.address, output)
  step.dirty = true
end
