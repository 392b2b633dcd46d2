import {
  canonicalJson,
  checkWeightCount,
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
  WEIGHTS_LIMIT,
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
  const parts = list.split(RS).slice(1).sort().map(readPart);
  const own = Object.fromEntries(parts.filter(([part]) => !part.startsWith(WEIGHT)));
  const weights = parts
    .filter(([part]) => part.startsWith(WEIGHT))
    .map(([part, weight]): [string, unknown] => [unpackText(part.slice(WEIGHT.length)), weight]);
  weights.sort(([a], [b]) => (a < b ? -1 : 1));
  return weights.length === 0 ? own : { ...own, weights: Object.fromEntries(weights) };
}

function readPart(text: string): [part: string, value: unknown] {
  const at = text.indexOf("=");
  return [text.slice(0, at), JSON.parse(text.slice(at + 1))];
}

/** The weight of a key is a part by itself; this stands before the key. Alone it means all of them. */
const WEIGHT = "w:";

/** The parts of a policy with their values as JSON, which holds nothing that separates. */
function partsOf(policy: QueuePolicy | QueuePolicyEdit): [part: string, value: string][] {
  const { weights, ...others } = policy;
  const said: [string, unknown][] =
    typeof weights === "string"
      ? [[WEIGHT, weights]]
      : Object.entries(weights ?? {}).map(([key, weight]) => [`${WEIGHT}${keyText(key)}`, weight]);
  return [...Object.entries(others), ...said].map(([part, value]) => [
    part,
    value === "default" ? value : canonicalJson(value as JsonValue),
  ]);
}

export const setQueueScript: Script<[name: string, edit: QueueEdit, by: string], QueueSettings> = {
  name: "set-queue",
  encode: (name, { paused, draining, ...policy }, by) => [
    ...[keyText(name), packText(by), flag(paused), flag(draining), WEIGHTS_LIMIT, ...partsOf(policy).flat()],
  ],
  decode(reply, name) {
    if (typeof reply === "number") checkWeightCount(name, reply);
    return readSettings(reply as string);
  },
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
