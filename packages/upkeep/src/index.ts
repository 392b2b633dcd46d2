export { Actor, type ActorOptions } from "./actor.js";
export { DEFAULT_RETENTION, Janitor, type JanitorOptions } from "./janitor.js";
export { Promoter, type PromoterOptions } from "./promoter.js";
export { goneFrom, Reaper, type ReaperOptions, type Taken } from "./reaper.js";
export { createUpkeep, type Found, type Upkeep, type UpkeepOptions } from "./upkeep.js";
export { watchTimers } from "./watch-timers.js";
