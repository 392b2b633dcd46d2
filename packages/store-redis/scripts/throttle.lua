#!lua flags=allow-oom
-- Lets no step start for a while under the limits of a step that runs; core's bucket.ts has the law.
--
-- KEYS 1 clock
-- ARGV 1 instant or "" · 2 run · 3 address · 4 fence · 5 ms · 6 names joined by US, "" for those with a key, or all where none has one
-- Returns the names of the limits
-- include base clock
-- later core general limit-edits

-- The least part of a rate that throttling leaves, and how much longer the rate takes to be whole again.
local LEAST_SHARE, RECOVERY = 1 / 16, 10

local step = limits.isOn and report.stepBehind(ARGV[2], ARGV[3])
if not step or step.fence ~= ARGV[4] or not step.session or not step.uses then return {} end

local forMs = tonumber(ARGV[5])
local wanted = {}
for _, name in ipairs(splitBy(ARGV[6], US)) do wanted[name] = true end

local function throttle(use)
  -- That the key of a limit on attempts at once has a bucket is noted with the limit, before that is read.
  local kind, code, edit, throttled = limits.find(use.name)
  if kind and throttled ~= "1" then limits.keep(use.name, kind, code, edit, "1") end
  local meter = limits.meterOf(use)
  if meter.till and clock.now < meter.till then
    -- They were under way already: their time counts, but the rate is not halved once more.
    local till = math.max(meter.till, clock.now + forMs)
    meter.whole, meter.till = meter.whole + till - meter.till, till
  else
    local before, now = limits.shareOf(meter), clock.now * 1000
    meter.share = math.max(LEAST_SHARE, before / 2)
    -- What is owed is paid at the slower pace.
    if meter.paid > now then meter.paid = math.ceil(meter.paid + (meter.paid - now) * (before / meter.share - 1)) end
    meter.till = clock.now + forMs
    meter.whole = meter.till + forMs * RECOVERY
  end
  limits.writeBucket(meter)
  limits.ringAt(use, meter.till)
end

local uses = limits.usesOf(step.uses)
local hasKeys = false
for _, use in ipairs(uses) do hasKeys = hasKeys or use.key ~= "" end
local names = {}
for _, use in ipairs(uses) do
  local isMeant = ARGV[6] ~= "" and wanted[use.name] or ARGV[6] == "" and (not hasKeys or use.key ~= "")
  if isMeant then
    throttle(use)
    names[#names + 1] = use.name
  end
end
clock.flush()
return names
