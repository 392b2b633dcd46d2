import type { Expansion, ExpansionReply } from "@jobbers/core";
import type { Argument, Script } from "./script.js";
import { pushSpecs } from "./spec.js";
import { keyText, packText } from "./text.js";

export const expandScript: Script<[expansion: Expansion, eventsKept: number], ExpansionReply> = {
  name: "expand",
  encode({ lease, count, membersEach, from, items }, eventsKept) {
    const args: Argument[] = [
      eventsKept,
      lease.run,
      packText(lease.address),
      lease.fence,
      count,
      membersEach,
      from,
    ];
    for (const { value, entries, queue } of items) {
      args.push(value, queue === undefined ? entries.length : `${entries.length} ${keyText(queue)}`);
      pushSpecs(args, entries);
    }
    return args;
  },
  decode: (reply) =>
    reply === "stale" ? { status: "stale" } : { status: "accepted", cursor: Number(reply) },
};
