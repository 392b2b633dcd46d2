#!lua
-- Creates runs, each whole or not at all. Refused as a whole when Redis is out of memory.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 … groups and submissions, told apart by their first letter:
--      a group of runs that begin packed (see shared/packed.lua): `P name RS plan RS specs RS order greatest RS kind` (shared/kinds.lua; the order
--      is a where the ids ascend, u where they do not, - where not all have 26 characters), the plan's text or "", the specs, the ids with blanks between, and what each run has
--      of its own, `fingerprint [US traceparent US tags [US said]] RS input FS` each (said: shared/limits.lua);
--      any other submission: `S id fingerprint plan kind mode priority keep delay runAt members onFailure inline next specs tags
--      traceparent needs deadline claim said name` joined by US (the claim: `until if-held ms , max , key`, see shared/claims.lua), the plan's text or "", the input, the specs
-- Returns for each submission, with commas between (cr*<n> for n in a row): c<state> created, e<state> existing, x conflict, m plan missing, i its start is no
--      time to wait for, f<queue>=<max> a queue is full, d<queue> a queue is drained, and of a key that is held h<state><id> existing under that id, k<id> with other content, t<id> refused;
--      behind US the instant, where an i is among them
-- include base
clock.besides = { "newest", "ahead" }
-- include clock
-- later core general submit-other claims gate
-- include flush newest submit-fresh submit-packed

local results, n, at = {}, 0, 3
while at <= #ARGV do
  if string.sub(ARGV[at], 1, 1) == "P" then
    n, at = submitting.packed(at, results, n)
  else
    n = n + 1
    results[n], at = submitting.other(at)
  end
end
submitting.count()
flushAll(ARGV[2])
return table.concat(results, ",") .. (submitting.isUntimely and US .. clock.text or "")
