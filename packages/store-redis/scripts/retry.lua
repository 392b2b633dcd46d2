#!lua flags=allow-oom
-- Has a failed or cancelled run go on: what failed runs again, then what depends on it. A call does so many steps; `more` says that it has
-- to be called again.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 run
-- Returns { retried, running, succeeded, unknown, purged or key-taken; more 1 or 0; who holds its key where that is taken }
-- include base core general reopen retry claims flush

local run = runs.get(ARGV[3])
if not run then return { "unknown", 0 } end
if run.purged then return { "purged", 0 } end
if run.state == SUCCEEDED then return { "succeeded", 0 } end
local place = retry.placeOf(run)
if not run.ended and not place then return { "running", 0 } end
local holder = not place and claims.retake(run)
if holder then return { "key-taken", 0, holder } end
local more = retry.goOn(run, place)
-- Should the caller vanish, the promoter goes on.
if more and not place then retry.wakePromoter(run) end
flushAll(ARGV[2])
return { "retried", more and 1 or 0 }
