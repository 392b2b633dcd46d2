#!lua flags=allow-oom
-- Marks a run as cancelling, and tells the sessions that hold steps of it; costs nothing for all other steps.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 run
-- Returns cancelled, cancelling, ended or unknown
-- include base clock
-- later core general
-- include flush

local run = runs.get(ARGV[3])
if not run then return "unknown" end
if run.state == CANCELLED then return "cancelled" end
if run.ended and run.state ~= STARTED then return "ended" end
if run.cancelling then return "cancelling" end

settle.cancel(run)
-- One that is being prepared for a rerun ends when it is.
local status = runs.holdersOf(run) == "" and not run.ended and "cancelled" or "cancelling"
flushAll(ARGV[2])
return status
