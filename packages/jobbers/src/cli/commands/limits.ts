import type { Limit } from "@jobbers/client";
import { durationMs } from "@jobbers/core";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { flagError, wholeNumber } from "../flags.js";
import { count } from "../progress-lines.js";
import { showDuration, table } from "../table.js";

type Setting = NonNullable<Limit["default"]>;

/** `jobbers limits`: what is limited, how a limit stands, and edits of them. */
export const limits = defineCommand({
  name: "limits",
  description:
    "List the limits, show how one stands, or set one: TASK/rate, @QUEUE/concurrency, TASK@QUEUE/rate",
  args: {
    name: { type: "positional", description: "The limit that is shown, or set", required: false },
    key: { type: "string", valueHint: "KEY", description: "Which key of it is shown, of one that has keys" },
    rate: { type: "string", valueHint: "N", description: "Sets it to N starts (per --per)" },
    per: { type: "string", valueHint: "TIME", description: "The time that --rate counts in, such as 1s" },
    burst: { type: "string", valueHint: "N", description: "How many may start at once (default: 1)" },
    concurrency: { type: "string", valueHint: "N", description: "Sets it to N attempts at once" },
    off: { type: "boolean", description: "Takes it away until it is set again" },
    default: { type: "boolean", description: "Has it be what the code says again" },
    ...doorFlags,
  },
  examples: [
    "jobbers limits",
    "jobbers limits fetch/rate --key example.org",
    "jobbers limits @crawl/concurrency --concurrency 20",
    "jobbers limits fetch/rate --rate 5 --per 1s --burst 2",
    "jobbers limits fetch/rate --default",
  ],
  async run({ args, output }) {
    const { name } = args;
    const edit = editOf(args);
    if (name === undefined && (edit !== undefined || args.key !== undefined))
      throw flagError("which limit is meant? its name comes first: jobbers limits NAME");
    return withDoor(args, "look", async ({ client, where }) => {
      if (name === undefined) {
        const found = await client.limits();
        output.printJson(found);
        if (found.length === 0) output.note(`nothing is limited at ${where}`);
        else output.print(table(["LIMIT", "NOW", "CODE", "KEYS"], found.map(rowOf)));
      } else if (edit !== undefined) {
        const limit = await client.setLimit(name, edit);
        output.printJson(limit ?? null);
        output.print(
          limit
            ? `${name} is ${show(limit.edit ?? limit.default)} from now on`
            : `${name} is no limit any more`,
        );
      } else {
        const usage = await client.limit(name, args.key);
        output.printJson(usage);
        output.print(usageLines(usage));
      }
      return 0;
    });
  },
});

interface EditArgs {
  readonly rate?: string | undefined;
  readonly per?: string | undefined;
  readonly burst?: string | undefined;
  readonly concurrency?: string | undefined;
  readonly off?: boolean | undefined;
  readonly default?: boolean | undefined;
}

function editOf({ rate, per, burst, concurrency, off, default: asCode }: EditArgs) {
  const given = [rate !== undefined, concurrency !== undefined, off, asCode].filter(Boolean);
  if (given.length > 1) throw flagError("--rate, --concurrency, --off and --default exclude each other");
  if (rate === undefined && (per !== undefined || burst !== undefined))
    throw flagError("--per and --burst go with --rate");
  if (off) return "off" as const;
  if (asCode) return "default" as const;
  if (concurrency !== undefined)
    return { concurrency: wholeNumber(concurrency, "--concurrency", 1, Number.MAX_SAFE_INTEGER) };
  if (rate === undefined) return undefined;
  if (per === undefined) throw flagError("--rate counts per what? add --per, such as --per 1s");
  const perMs = durationMs(per, "--per", "flag-invalid");
  if (perMs === 0) throw flagError(`--per is ${per}; it has to be longer than 0`);
  const starts = Number(rate);
  if (!(Number.isFinite(starts) && starts > 0))
    throw flagError(`--rate is ${rate}; it takes a number above 0`);
  return { rate: starts, perMs, burst: wholeNumber(burst ?? "1", "--burst", 1, Number.MAX_SAFE_INTEGER) };
}

function show(setting: Setting | "off" | undefined): string {
  if (setting === undefined) return "–";
  if (setting === "off") return "off";
  if ("concurrency" in setting) return `${count(setting.concurrency)} at once`;
  const burst = setting.burst > 1 ? `, ${count(setting.burst)} at once` : "";
  return `${count(setting.rate)} per ${showDuration(setting.perMs)}${burst}`;
}

function rowOf({ name, default: code, edit, isKeyed }: Limit): string[] {
  return [
    name,
    `${show(edit ?? code)}${edit === undefined ? "" : " (edited)"}`,
    show(code),
    isKeyed ? "yes" : "",
  ];
}

type Usage = Awaited<ReturnType<import("@jobbers/client").JobbersClient["limit"]>>;

function usageLines({
  limit,
  key,
  setting,
  used,
  parked,
  opensAtMs,
  throttledUntilMs,
  share,
  holders,
  atMs,
}: Usage): string {
  const lines = [`${limit}${key === "" ? "" : ` of ${key}`}: ${setting ? show(setting) : "off"}`];
  if (setting && "concurrency" in setting)
    lines.push(`${count(used)} of ${count(setting.concurrency)} slots are taken`);
  if (throttledUntilMs !== undefined)
    lines.push(`throttled for ${showDuration(throttledUntilMs - atMs)} more`);
  else if (opensAtMs !== undefined)
    lines.push(`lets the next one start in ${showDuration(opensAtMs - atMs)}`);
  if (share !== undefined) lines.push(`at ${Math.round(share * 100)} % of its rate since it was throttled`);
  if (parked > 0) lines.push(`${count(parked)} ${parked === 1 ? "line waits" : "lines wait"} for it`);
  for (const { run, step, worker } of holders) lines.push(`  ${run} ${step}${worker ? ` (${worker})` : ""}`);
  return lines.join("\n");
}
