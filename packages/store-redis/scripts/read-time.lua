#!lua flags=allow-oom
-- Tells the store's time.
--
-- KEYS 1 clock
-- ARGV 1 instant or ""
-- Returns it, in ms since 1970
-- include base clock

return clock.text
