import { letterSpan, type RetryOptions, type RetryResult, type RetryScope } from "@jobbers/core";
import { packFilter } from "./dead-letters.js";
import type { Script } from "./script.js";
import { packText, US } from "./text.js";

/** What a part of a retry answers; `more` when it has to be called again. */
type RetryPart = RetryResult & { readonly more: boolean };

export const retryScript: Script<[run: string, options: RetryOptions, eventsKept: number], RetryPart> = {
  name: "retry",
  encode: (run, { only, input }, eventsKept) => [
    eventsKept,
    run,
    only ? scopeOf(only) : "",
    input === undefined ? 0 : 1,
    input ?? "",
  ],
  decode(reply) {
    const [status, more, holder = ""] = reply as [RetryResult["status"], number, string?];
    return status === "key-taken" ? { status, holder, more: false } : { status, more: more === 1 };
  },
};

/** Which failures run again, as scripts/shared/reopen.lua reads it. */
function scopeOf(only: RetryScope): string {
  if ("step" in only) return `s${packText(only.step)}`;
  const { floor, before } = letterSpan({ ...only.letters, limit: 1 }, "r");
  const { run, workflow, task, queue, reason } = packFilter(only.letters);
  return `l${[floor, before, run, workflow, task, queue, reason].join(US)}`;
}
