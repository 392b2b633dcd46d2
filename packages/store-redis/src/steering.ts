import {
  canonicalJson,
  type EditedPolicy,
  type JsonValue,
  OBLITERATE_LIMIT,
  type Obliterated,
  type Obliteration,
  type QueueDefaults,
  type QueueEdit,
  type QueuePolicy,
  type QueuePolicyEdit,
  type QueueSettings,
  queueSettings,
} from "@jobbers/core";
import { packQueueLimits } from "./limits.js";
import type { Script } from "./script.js";
import { GS, keyText, packText, RS, unpackText } from "./text.js";

/** Reads settings as scripts/shared/steering.lua writes them. */
export function readSettings(text: string): QueueSettings {
  const [head = "", code = "", edit = ""] = text.split(GS);
  const [paused, draining, version, at = "", by = ""] = head.split(",");
  return queueSettings({
    paused: paused === "1",
    draining: draining === "1",
    default: readParts(code) as QueuePolicy,
    edit: readParts(edit) as EditedPolicy,
    version: Number(version),
    ...(at !== "" && { editedBy: unpackText(by), editedAtMs: Number(at) }),
  });
}

function readParts(list: string): object {
  const parts = list.split(RS).slice(1).sort();
  return Object.fromEntries(
    parts.map((each) => {
      const at = each.indexOf("=");
      return [each.slice(0, at), JSON.parse(each.slice(at + 1))];
    }),
  );
}

/** The parts of a policy with their values as JSON, which holds nothing that separates. */
function partsOf(policy: QueuePolicy | QueuePolicyEdit): [part: string, value: string][] {
  return Object.entries(policy).map(([part, value]) => [
    part,
    value === "default" ? value : canonicalJson(value as JsonValue),
  ]);
}

export const setQueueScript: Script<[name: string, edit: QueueEdit, by: string], QueueSettings> = {
  name: "set-queue",
  encode: (name, { paused, draining, ...policy }, by) => [
    ...[keyText(name), packText(by), flag(paused), flag(draining), ...partsOf(policy).flat()],
  ],
  decode: (reply) => readSettings(reply as string),
};

function flag(value: boolean | undefined): string {
  return value === undefined ? "" : value ? "1" : "0";
}

export const declareQueuesScript: Script<[defaults: readonly QueueDefaults[]], void> = {
  name: "declare-queues",
  encode: (defaults) =>
    defaults.flatMap(({ name, limits = [], ...policy }) => {
      const all = limits.map((each) => packQueueLimits(name, each));
      return [keyText(name), listOf(policy), all.join(RS)];
    }),
  decode: () => undefined,
};

function listOf(policy: QueuePolicy): string {
  return partsOf(policy)
    .map(([part, value]) => `${RS}${part}=${value}`)
    .join("");
}

export const obliterateQueueScript: Script<
  [name: string, obliteration: Obliteration, eventsKept: number],
  Obliterated
> = {
  name: "obliterate-queue",
  encode: (name, { cursor = "", limit }, eventsKept) => [
    ...[eventsKept, keyText(name), cursor, Math.max(1, Math.min(limit, OBLITERATE_LIMIT))],
  ],
  decode(reply) {
    const [removed, next] = reply as [number, string | null];
    return { removed, ...(next !== null && { next }) };
  },
};
