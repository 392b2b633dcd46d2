#!lua flags=no-writes
-- Reads parts of a run's log, oldest first.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 run · 3 address, or "" for all steps · 4 the place after which to begin · 5 how many parts at most
-- Returns { how many lines were dropped, the place up to which was looked, more 1 or 0, the places and the parts by turns } or nothing where
--   there is no such run
-- include base
-- later logs

if not logs.isKept(ARGV[2]) then return false end
return logs.read(ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
