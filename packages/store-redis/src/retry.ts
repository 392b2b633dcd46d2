import { letterSpan, type Rerun, type RetryOptions, type RetryResult, type RetryScope } from "@jobbers/core";
import { packFilter } from "./dead-letters.js";
import type { Script } from "./script.js";
import { GS, packText, RS, US } from "./text.js";

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

/** Which steps run again, as scripts/shared/reopen.lua and rerun.lua read it. */
function scopeOf(only: RetryScope): string {
  if ("rerun" in only) return `r${packRerun(only.rerun)}`;
  if ("step" in only) return `s${packText(only.step)}`;
  const { floor, before } = letterSpan({ ...only.letters, limit: 1 }, "r");
  const { run, workflow, task, queue, reason } = packFilter(only.letters);
  return `l${[floor, before, run, workflow, task, queue, reason].join(US)}`;
}

function packRerun({ step, fence, around, after, inside, caught }: Rerun): string {
  const list = (names: readonly string[]) => names.map(packText).join(GS);
  const followers = after.map((each) => {
    const parents = each.kept.flatMap((parent) => [packText(parent.step), parent.place]);
    return [packText(each.step), ...parents].join(US);
  });
  return [packText(step), fence, list(around), followers.join(GS), list(inside), list(caught)].join(RS);
}
