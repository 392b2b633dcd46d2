import {
  type DeclaredLimit,
  isEditableName,
  type LimitEdit,
  type LimitEditResult,
  type LimitKind,
  type LimitRecord,
  type LimitSetting,
  type LimitUsage,
  type LimitUse,
  limitTarget,
  type QueueLimits,
  type TaskLimits,
  type Throttling,
} from "@jobbers/core";
import { readPlace } from "./limit-places.js";
import type { Script } from "./script.js";
import type { Server } from "./server.js";
import { keyText, packText, US, unpackText } from "./text.js";

/** Limits, as scripts/shared/limits.lua writes and reads them. */

const kindLetters = { rate: "r", concurrency: "c" } as const satisfies Record<LimitKind, string>;

/** What a step's own code has said of its limits. */
export function packUses(uses: readonly LimitUse[]): string {
  return `!${uses.map(({ limit, key, cost }) => `k${keyText(limit)}=${keyText(key)}=${cost}`).join("&")}`;
}

/** The uses of a tuple, or of what a step keeps. */
export function readUses(text: string): LimitUse[] {
  return text
    .replace(/^!/, "")
    .split("&")
    .filter((use) => use !== "")
    .map((use) => {
      const [limit = "", key = "", cost = ""] = use.slice(1).split("=");
      return { limit: unpackText(limit), key: unpackText(key), cost: Number(cost) };
    });
}

/** A task's limits: `target US rules US settings`. */
export function packTaskLimits({ task, limits }: TaskLimits): string {
  return packLimits(keyText(task), limits);
}

/** The same of a queue, or of a task in it. */
export function packQueueLimits(queue: string, { task = "", limits }: QueueLimits): string {
  return packLimits(`${keyText(task)}@${keyText(queue)}`, limits);
}

function packLimits(target: string, limits: readonly DeclaredLimit[]): string {
  const rules = limits.map(({ name, isKeyed, cost = 1 }) => `${keyText(name)}=${isKeyed ? 1 : 0}=${cost}`);
  return `${target}${US}${rules.join("&")}${US}${limits.map(packDeclared).join("&")}`;
}

function packDeclared({ name, setting }: DeclaredLimit): string {
  return `${keyText(name)}=${kindLetters[kindOf(setting)]}:${packSetting(setting)}`;
}

function kindOf(setting: LimitSetting): LimitKind {
  return "rate" in setting ? "rate" : "concurrency";
}

function packSetting(setting: LimitSetting): string {
  if ("rate" in setting) return `${setting.rate},${setting.perMs},${setting.burst}`;
  return `${setting.concurrency}`;
}

/** A limit as it is kept; the edit goes before the code. */
export interface Definition {
  readonly kind: LimitKind;
  readonly default: LimitSetting | undefined;
  readonly edit: LimitSetting | "off" | undefined;
}

export function readDefinition(kind: string, code: string, edit: string): Definition {
  return {
    kind: kind === "r" ? "rate" : "concurrency",
    default: readSetting(kind, code),
    edit: edit === "off" ? "off" : readSetting(kind, edit),
  };
}

function readSetting(kind: string, text: string): LimitSetting | undefined {
  if (text === "") return undefined;
  if (kind === "c") return { concurrency: Number(text) };
  const [rate, perMs, burst] = text.split(",").map(Number) as [number, number, number];
  return { rate, perMs, burst };
}

export const setLimitScript: Script<[name: string, edit: LimitEdit], LimitEditResult> = {
  name: "set-limit",
  encode(name, edit) {
    const own = isEditableName(name) ? limitTarget(name)?.kind : undefined;
    return [
      keyText(name),
      edit === "default" ? "" : edit === "off" ? "off" : packSetting(edit),
      typeof edit === "object" ? kindLetters[kindOf(edit)] : "",
      own ? kindLetters[own] : "",
    ];
  },
  decode(reply, name) {
    const [status, kind, code = "", edit = "", keyed] = reply as [string, string?, string?, string?, number?];
    if (status !== "e") return { status: status === "u" ? "unknown" : "misfit" };
    const { kind: _kind, ...settings } = readDefinition(kind ?? "c", code, edit);
    return { status: "edited", limit: kind ? { name, ...settings, isKeyed: keyed === 1 } : undefined };
  },
};

export const throttleScript: Script<[throttling: Throttling], string[]> = {
  name: "throttle",
  encode: ({ lease, forMs, limits = [] }) => [
    lease.run,
    packText(lease.address),
    lease.fence,
    Math.max(0, Math.ceil(forMs)),
    limits.map(keyText).join(US),
  ],
  decode: (reply) => (reply as string[]).map(unpackText),
};

export function listLimits({ keys, look }: Server): Promise<LimitRecord[]> {
  return look(async (redis) => {
    const [limits, rules] = await Promise.all([redis.hgetall(keys.limits), redis.hvals(keys.ruled)]);
    const keyed = new Set(
      rules
        .flatMap((list) => list.split("&"))
        .map((rule) => rule.split("="))
        .flatMap(([name = "", isKeyed]) => (isKeyed === "1" ? [name] : [])),
    );
    return Object.entries(limits)
      .map(([name, text]): LimitRecord => {
        const [kind = "", code = "", edit = ""] = text.split(US);
        const { kind: _kind, ...settings } = readDefinition(kind, code, edit);
        return { name: unpackText(name), ...settings, isKeyed: keyed.has(name) };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

/** How one key of a limit stands. */
export function readLimit(server: Server, limit: string, key: string): Promise<LimitUsage> {
  return server.look(async (redis) => {
    const {
      cost: _cost,
      isShut: _isShut,
      ...usage
    } = await readPlace(redis, server, { limit, key, cost: 1 });
    return usage;
  });
}
