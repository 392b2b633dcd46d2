import type { RetryResult } from "@jobbers/core";
import type { Script } from "./script.js";

/** What a part of a retry answers; `more` when it has to be called again. */
type RetryPart = RetryResult & { readonly more: boolean };

export const retryScript: Script<[run: string, eventsKept: number], RetryPart> = {
  name: "retry",
  encode: (run, eventsKept) => [eventsKept, run],
  decode(reply) {
    const [status, more, holder = ""] = reply as [RetryResult["status"], number, string?];
    return status === "key-taken" ? { status, holder, more: false } : { status, more: more === 1 };
  },
};
