import { createApi } from "@jobbers/api";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Command } from "../src/cli/command.js";
import { submit } from "../src/cli/commands/submit.js";
import { worker } from "../src/cli/commands/worker.js";
import { parseFlags } from "../src/cli/flags.js";
import type { Output } from "../src/cli/output.js";
import { connect, dag, type Jobbers, task } from "../src/index.js";

/** What a policy may not be, wherever it comes in: at a definition, at a call in a dag, at a worker, over HTTP, on a command line. */

const run = async () => null;
/** What the compiler refuses, too. */
const wrong = <T>(value: unknown) => value as T;
const define = (policy: unknown) => () => task({ name: "t", run, ...wrong<object>(policy) });
const plain = task({ name: "plain", run });
const call = (options: unknown) => () => dag("d", {}, () => void plain({}, wrong(options)));

const definitions: readonly (readonly [string, () => unknown, string])[] = [
  [
    "no try at all",
    define({ retry: { attempts: 0 } }),
    "retry.attempts is 0; it takes a whole number from 1 to 10000",
  ],
  ["less than no try", define({ retry: { attempts: -1 } }), "retry.attempts is -1; it takes a whole number"],
  ["half a try", define({ retry: { attempts: 1.5 } }), "retry.attempts is 1.5; it takes a whole number"],
  [
    "endless tries",
    define({ retry: { attempts: Number.POSITIVE_INFINITY } }),
    "retry.attempts is Infinity; it takes",
  ],
  [
    "no delays",
    define({ retry: { delay: [] } }),
    "retry.delay is a list of 0; it takes 1 to 100 delays; for a single",
  ],
  [
    "a negative delay",
    define({ retry: { delay: "-1s" } }),
    'retry.delay is "-1s"; a duration cannot be negative',
  ],
  [
    "a negative one in a list",
    define({ retry: { delay: ["1s", -1] } }),
    "retry.delay[1] is -1; a duration cannot be",
  ],
  [
    "a delay of no unit",
    define({ retry: { delay: "5 minutes" } }),
    'retry.delay is "5 minutes"; a duration is',
  ],
  [
    "a delay beyond its longest",
    define({ retry: { delay: "1h", max: "1s" } }),
    'retry.max is "1s", shorter than .delay',
  ],
  [
    "an unknown kind of back-off",
    define({ retry: { backoff: "linear" } }),
    'retry.backoff is "linear"; it takes "fixed"',
  ],
  [
    "an unknown option of retry",
    define({ retry: { retries: 3 } }),
    'retry has no option "retries"; there are attempts',
  ],
  ["a retry that is a number", define({ retry: 3 }), "retry is 3; it takes an object like"],
  ["a negative timeout", define({ timeout: "-30s" }), 'timeout is "-30s"; a duration cannot be negative'],
  ["a timeout of nothing", define({ timeout: 0 }), "timeout is 0; it has to be longer than 0"],
  [
    "an absurd timeout",
    define({ timeout: "4000d" }),
    'timeout is "4000d"; a duration is at most 10 years (3650d)',
  ],
  ["a timeout that is no number", define({ timeout: Number.NaN }), "timeout is NaN; a duration is a number"],
  [
    "a negative time to start",
    define({ startWithin: -1 }),
    "startWithin is -1; a duration cannot be negative",
  ],
  [
    "a heartbeat of nothing",
    define({ heartbeat: 0 }),
    "heartbeat is 0; the shortest is 250 ms: a worker cannot tell",
  ],
  [
    "a heartbeat too short to tell",
    define({ heartbeat: "100ms" }),
    'heartbeat is "100ms"; the shortest is 250 ms',
  ],
  ["a negative heartbeat", define({ heartbeat: -1 }), "heartbeat is -1; a duration cannot be negative"],
  ["a deadline of nothing", define({ deadline: 0 }), "deadline is 0; it has to be longer than 0"],
  ["a negative deadline", define({ deadline: "-1h" }), 'deadline is "-1h"; a duration cannot be negative'],
  [
    "a dag's deadline of nothing",
    () => dag("d", { deadline: "0s" }, () => 1),
    'dag "d": deadline is "0s"; it has to be',
  ],
  ["a negative time to be kept", define({ keep: -1 }), "keep is -1; a duration cannot be negative"],
  ["a priority beyond 9", define({ priority: 10 }), "priority is 10; it takes 0 to 9"],
  [
    "events of another kind",
    define({ events: "all" }),
    'task "t": events is "all"; it takes "each" or "summed"',
  ],
  [
    "an unknown option of a task",
    define({ retires: {} }),
    'task(): "retires" is no option; there are name, input',
  ],
  [
    "an unknown option of a dag",
    () => dag("d", wrong<object>({ retry: {} }), () => 1),
    'dag "d": "retry" is no option; there',
  ],
  [
    "an unknown option of a call",
    call({ heartbeat: "1s" }),
    'call of task "plain": "heartbeat" is no option; there are',
  ],
  [
    "a call's retry",
    call({ retry: { attempts: 0 } }),
    'step "plain": retry.attempts is 0; it takes a whole number',
  ],
  [
    "a call's timeout",
    call({ timeout: "-1s" }),
    'step "plain": timeout is "-1s"; a duration cannot be negative',
  ],
];

describe("a definition is refused for", () => {
  it.each(definitions)("%s", (_, act, message) => {
    expect(act).toThrow(expect.objectContaining({ code: "definition-invalid" }));
    expect(act).toThrow(message);
  });
});

let jobbers: Jobbers;
beforeAll(async () => {
  jobbers = await connect("memory:");
});
afterAll(() => jobbers.close());

const options: readonly (readonly [string, object, string])[] = [
  ["a negative delay", { delay: "-1s" }, 'delay is "-1s"; a duration cannot be negative'],
  ["an absurd delay", { delay: "4000d" }, 'delay is "4000d"; a duration is at most 10 years (3650d)'],
  ["a deadline of nothing", { deadline: 0 }, "deadline is 0; it has to be longer than 0"],
  [
    "a deadline before its start",
    { deadline: "1s", delay: "1m" },
    'deadline is "1s", which is over before the delay',
  ],
  ["a negative time to be kept", { keep: "-1d" }, 'keep is "-1d"; a duration cannot be negative'],
  [
    "a priority of its own kind",
    { priority: "high" },
    'priority is "high"; it takes a whole number from 0 to 9',
  ],
  ["an unknown option", { timeout: "1s" }, '"timeout" is no option of submit; there are id, priority, delay'],
];

describe("a submission is refused for", () => {
  it.each(options)("%s", async (_, given, message) => {
    const refused = jobbers.submit(plain, {}, given);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ code: "flag-invalid" });
  });
});

const brisk = task({ name: "brisk", heartbeat: "4s", run: async () => null });

const workers: readonly (readonly [string, object, string])[] = [
  ["no slots", { concurrency: 0 }, "the worker's concurrency is 0; it takes a whole number from 1 to 100000"],
  [
    "a negative grace",
    { graceMs: -1 },
    "the worker's graceMs is -1; it takes a number of milliseconds, at least 0",
  ],
  [
    "a lease too short to renew",
    { leaseMs: 10 },
    "the worker's leaseMs is 10; it takes a number of milliseconds, at",
  ],
  [
    "a heartbeat shorter than a renewal",
    { workflows: [brisk] },
    'task "brisk": its heartbeat of 4000 ms is shorter than the 5000 ms between two renewals of the worker',
  ],
  [
    "a heartbeat shorter than a renewal of a long lease",
    { workflows: [brisk], leaseMs: 60_000 },
    "give it at least that, or the worker a leaseMs of at most 12000",
  ],
  [
    "sweeps without a pause",
    { sweepMs: 0 },
    "the worker's sweepMs is 0; it takes a number of milliseconds, at least",
  ],
  ["no queues", { queues: [] }, "the worker's queues is a list; it takes at least one queue"],
];

describe("a worker is refused for", () => {
  it.each(workers)("%s", (_, given, message) => {
    const act = () => jobbers.worker({ workflows: [plain], ...given });
    expect(act).toThrow(message);
    expect(act).toThrow(expect.objectContaining({ code: "flag-invalid" }));
  });
});

const bodies: readonly (readonly [string, object, string, string])[] = [
  ["a negative delay", { delay: "-1s" }, "/delay", 'is "-1s"; a duration cannot be negative'],
  ["an absurd delay", { delay: "4000d" }, "/delay", 'is "4000d"; a duration is at most 10 years (3650d)'],
  ["a deadline of nothing", { deadline: "0s" }, "/deadline", 'is "0s"; it has to be longer than 0'],
  [
    "a deadline before its start",
    { deadline: "1s", delay: "1m" },
    "/deadline",
    "is over before the delay has passed",
  ],
  ["a negative time to be kept", { keep: -1 }, "/keep", "is -1; a duration cannot be negative"],
  ["half a priority", { priority: 0.5 }, "/priority", "is 0.5; it takes a whole number from 0 to 9"],
  ["an unknown field", { retry: {} }, "/retry", "is no field of a submission; there are id, dag, task"],
];

describe("a body is refused for", () => {
  it.each(bodies)("%s", async (_, fields, pointer, detail) => {
    const store = await openSqliteStore("memory:");
    const api = createApi({ store });
    try {
      const answer = await api.fetch(
        new Request("http://localhost/v1/runs", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ task: "plain", input: {}, ...fields }),
        }),
      );
      expect(answer.status).toBe(400);
      const problem = (await answer.json()) as { code: string; errors: unknown[] };
      expect(problem).toMatchObject({
        code: "body-invalid",
        errors: [{ pointer, detail: expect.stringContaining(detail) }],
      });
    } finally {
      await api.close();
      await store.close();
    }
  });
});

const silent = { json: true, note: () => {}, print: () => {}, printJson: () => {} } as unknown as Output;
const commands: readonly (readonly [string, Command, string[], string])[] = [
  ["a negative delay", submit, ["plain", "--delay=-1s"], '--delay is "-1s"; a duration cannot be negative'],
  [
    "a delay of no unit",
    submit,
    ["plain", "--delay", "5"],
    '--delay is "5"; a duration is a number of milliseconds',
  ],
  [
    "an absurd deadline",
    submit,
    ["plain", "--deadline", "4000d"],
    '--deadline is "4000d"; a duration is at most 10',
  ],
  [
    "a priority beyond 9",
    submit,
    ["plain", "--priority", "10"],
    '--priority is "10"; it takes a whole number from 0 to',
  ],
  ["an unknown flag", submit, ["plain", "--retry", "3"], "there is no flag --retry; there are --input, --id"],
  [
    "no slots",
    worker,
    ["a.ts", "--concurrency", "0"],
    '--concurrency is "0"; it takes a whole number from 1 to',
  ],
];

describe("a command line is refused for", () => {
  it.each(commands)("%s", async (_, command, argv, message) => {
    const act = async () =>
      command.run({ ...parseFlags(command, [...argv, "--store", "memory:"]), output: silent });
    await expect(act()).rejects.toThrow(message);
    await expect(act()).rejects.toMatchObject({ code: "flag-invalid" });
  });
});
