#!lua flags=allow-oom
-- Has a failed or cancelled run go on: what failed runs again, then what depends on it. A call does so many steps; `more` says that it has
-- to be called again.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 run · 4 the failures that run again, "" for all: `s` and an address or plan name, or `l` and a filter as in
--      shared/letters.lua, `r` and a rerun as in shared/rerun.lua · 5 1 where that one step is given another input · 6 that input
-- Returns { retried, running, succeeded, unknown, purged, key-taken, step-unknown, step-not-failed, step-kept or step-not-succeeded; more 1 or 0; who holds its
--   key where that is taken }
-- include base clock
-- later core general rerun reopen retry claims
-- include flush

local run = runs.get(ARGV[3])
if not run then return { "unknown", 0 } end
if run.purged then return { "purged", 0 } end
local isRerun = string.sub(ARGV[4], 1, 1) == "r"
if run.state == SUCCEEDED and not isRerun then return { "succeeded", 0 } end
local place = retry.placeOf(run)
if not run.ended and not place then return { "running", 0 } end
local only = ARGV[4] ~= "" and ARGV[4]
-- Another retry is under way: it is completed, but it is not this one.
if place and retry.scopeOf(run) ~= only then
  local more = retry.goOn(run, place)
  flushAll(ARGV[2])
  return { "running", more and 1 or 0 }
end
if not place then
  run.only = only
  local name, isEdited = only and string.sub(only, 1, 1) == "s" and string.sub(only, 2), ARGV[5] == "1"
  local refusal = isRerun and retry.refusalOfRerun(run) or name and retry.refusalOf(run, name, isEdited)
  if refusal then return { refusal, 0 } end
  local holder = claims.retake(run)
  if holder then return { "key-taken", 0, holder } end
  if name and isEdited then retry.edit(steps.get(run, name), ARGV[6]) end
end
local more = retry.goOn(run, place)
-- Should the caller vanish, the promoter goes on.
if more and not place then retry.wakePromoter(run) end
flushAll(ARGV[2])
return { "retried", more and 1 or 0 }
