-- Claims of keys. `claim:<scope>:<name>:<key>` says which run holds a key: `<id>,<fingerprint>,<until>,<first>,<state>`. `until` is an instant,
-- or e (until the run's end) or b (as long as it is scheduled); `first`, when the first of those that replaced each other was submitted;
-- `state`, how the run ended, once it is forgotten. What a run's end means for its key is found out by who asks for it next. A run's
-- field k is `<until>,<what follows claim:>,<the key itself, where that has but its hash>`, `until` being in milliseconds from its
-- submission; its field y is the run that replaced it.

-- How much longer than its time a claim is kept: what ends it is the instant in it.
local SLACK_MS = 60000

local function read(suffix)
  local id, fingerprint, kept, first, state = string.match(call("GET", PREFIX .. "claim:" .. suffix) or "", "^([^,]*),([^,]*),([^,]*),([^,]*),(.?)$")
  return id and { id = id, fingerprint = fingerprint, kept = kept, first = first, state = state }
end

local function write(suffix, id, fingerprint, kept, first)
  local key, value = PREFIX .. "claim:" .. suffix, id .. "," .. fingerprint .. "," .. kept .. "," .. first .. ","
  local instant = tonumber(kept)
  if instant then
    call("SET", key, value, "PX", string.format("%.0f", math.max(0, instant - clock.now) + SLACK_MS))
  else
    call("SET", key, value)
  end
end

-- A run that has ended, but is about to go on, goes on counting.
local function isOver(run)
  return run.ended and string.sub(call("HGET", run.key, "r") or "", 1, 1) ~= "o"
end

-- True for a claim that still holds its key; `run` is its holder, where that is known.
local function holds(claim, run)
  local instant = tonumber(claim.kept)
  if instant then return instant > clock.now end
  if not run then return false end
  if claim.kept == "b" then return run.state == SCHEDULED and not run.cancelling end
  return not isOver(run)
end

-- Who holds a key, with its run where that is known; nil where nobody does.
local function holderOf(suffix)
  local claim = read(suffix)
  if not claim then return nil end
  claim.run = runs.get(claim.id)
  return holds(claim, claim.run) and claim or nil
end

-- True for a run of which no step was taken yet.
local function isWaiting(run)
  return run and not run.ended and not run.cancelling and run.started == "" and runs.holdersOf(run) == ""
end

-- Reads what a submission says of its key: nil where it has none.
function claims.parse(text)
  if text == "" then return nil end
  local kept, ifHeld, ms, max, suffix, key = string.match(text, "^(.)(.)(%d*),(%d*),([^,]*),(.*)$")
  return { kept = kept, ifHeld = ifHeld, ms = ms, max = tonumber(max), suffix = suffix, key = key }
end

-- What becomes of a new submission: nil where it may be created, which is its replacing claim.holder where there is one; else its result.
function claims.judge(claim, fingerprint)
  local holder = holderOf(claim.suffix)
  if not holder then return nil end
  local run = holder.run
  if claim.ifHeld == "r" then return "t" .. holder.id end
  if claim.ifHeld == "s" and holder.fingerprint ~= fingerprint then return "k" .. holder.id end
  if claim.ifHeld == "p" and isWaiting(run) then
    claim.holder = holder
    return nil
  end
  return "h" .. (run and run.state or holder.state) .. holder.id
end

-- The latest start of a run that replaces others; nil where it may be put off for ever.
function claims.latestStart(claim)
  return claim.max and claim.holder and claim.holder.first + claim.max
end

-- Has a run that was just created hold its key, in the place of who held it.
function claims.take(claim, run, fingerprint)
  local first, n = run.created, #run.writes
  if claim.holder then
    local old = claim.holder.run
    first = claim.holder.first
    settle.cancel(old)
    settle.endRun(old, CANCELLED)
    own(old, "writes")
    old.writes[#old.writes + 1], old.writes[#old.writes + 2] = "y", run.id
  end
  run.writes[n + 1], run.writes[n + 2] = "k", (claim.kept == "t" and claim.ms or claim.kept) .. "," .. claim.suffix .. "," .. claim.key
  write(claim.suffix, run.id, fingerprint, claim.kept == "t" and text(run.created + claim.ms) or claim.kept, text(first))
end

-- Has a run that is retried by hand hold its key again; answers who holds it where that is another run, so that it may not go on.
function claims.retake(run)
  if run.packed then return nil end
  local kept, suffix = string.match(call("HGET", run.key, "k") or "", "^([^,]*),([^,]*),")
  local ms = tonumber(kept)
  if not kept or kept == "b" or ms and run.created + ms <= clock.now then return nil end
  local holder = holderOf(suffix)
  if holder and holder.id ~= run.id then return holder.id end
  if kept == "e" then write(suffix, run.id, call("HGET", run.key, "f"), kept, text(run.created)) end
end

-- The claim that a run's field k is about, where it still is the run's; nil else.
local function ownClaim(id, field)
  local suffix = string.match(field or "", "^[^,]*,([^,]*),")
  local claim = suffix and read(suffix)
  return claim and claim.id == id and claim or nil, suffix
end

-- Ends the claim of a run of which only the id is left, unless it is held for a time.
function claims.bury(id, field)
  local claim, suffix = ownClaim(id, field)
  if claim and not tonumber(claim.kept) then call("DEL", PREFIX .. "claim:" .. suffix) end
end

-- Notes how a run ended that is forgotten before the time is over for which it holds its key.
function claims.forget(id, field, state)
  local claim, suffix = ownClaim(id, field)
  if not claim then return end
  local key = PREFIX .. "claim:" .. suffix
  local left = call("PTTL", key)
  if left > 0 then
    call("SET", key, id .. "," .. claim.fingerprint .. "," .. claim.kept .. "," .. claim.first .. "," .. state, "PX", left)
  end
end
