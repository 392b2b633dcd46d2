import type { CancelResult } from "@jobbers/core";
import type { Script } from "./script.js";

export const cancelScript: Script<[run: string, eventsKept: number], CancelResult> = {
  name: "cancel",
  encode: (run, eventsKept) => [eventsKept, run],
  decode: (reply) => ({ status: reply as CancelResult["status"] }),
};
