import type { Obliterated, Obliteration, QueueDefaults, QueueEdit, QueueSettings } from "@jobbers/core";
import { OBLITERATE_LIMIT } from "@jobbers/core";
import type { Script } from "./script.js";
import { keyText, packText, unpackText } from "./text.js";

/** Reads settings as scripts/shared/steering.lua writes them. */
export function readSettings(text: string): QueueSettings {
  const [paused, draining, max = "", code = "", version, at = "", by = ""] = text.split(",");
  const inForce = max === "" ? code : max;
  const from = max !== "" ? "edit" : code !== "" ? "code" : undefined;
  return {
    paused: paused === "1",
    draining: draining === "1",
    ...(inForce !== "" && inForce !== "none" && { max: Number(inForce) }),
    ...(from !== undefined && { maxFrom: from }),
    ...(code !== "" && { defaultMax: Number(code) }),
    version: Number(version),
    ...(at !== "" && { editedBy: unpackText(by), editedAtMs: Number(at) }),
  };
}

export const setQueueScript: Script<[name: string, edit: QueueEdit, by: string], QueueSettings> = {
  name: "set-queue",
  encode: (name, { paused, draining, max = "" }, by) => [
    ...[keyText(name), packText(by), flag(paused), flag(draining), max],
  ],
  decode: (reply) => readSettings(reply as string),
};

function flag(value: boolean | undefined): string {
  return value === undefined ? "" : value ? "1" : "0";
}

export const declareQueuesScript: Script<[defaults: readonly QueueDefaults[]], void> = {
  name: "declare-queues",
  encode: (defaults) => defaults.flatMap(({ name, max = "" }) => [keyText(name), max]),
  decode: () => undefined,
};

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
