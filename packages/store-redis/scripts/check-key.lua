#!lua flags=allow-oom
-- Looks through one key that is no run, or a page of it.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 events kept · 3 repair, 1 or 0 · 4 name of its handler · 5 the rest of the key, or "" · 6 cursor, first 0
-- Returns { the next cursor, 0 at the end; problems, see shared/check.lua }
-- include base clock
-- later core general
-- include check check-uses check-read check-session check-lists check-letters check-limits check-roles check-settings check-clock

-- What has ended since its key was told is nothing to look at; a clock that is gone is.
local key = PREFIX .. ARGV[4] .. (ARGV[5] ~= "" and ":" .. ARGV[5] or "")
if ARGV[4] ~= "gone" and ARGV[4] ~= "kind" and ARGV[4] ~= "clock" and call("EXISTS", key) == 0 then return { "0", {} } end
local nextCursor = check.handlers[ARGV[4]](ARGV[5], ARGV[6])
return { type(nextCursor) == "string" and nextCursor or "0", check.found }
