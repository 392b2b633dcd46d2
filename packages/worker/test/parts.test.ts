import { dag, JobbersError, type Report, task } from "@jobbers/core";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Audit } from "../src/audit.js";
import { hostIdentity, processBirth } from "../src/index.js";
import type { Lane } from "../src/lane.js";
import { type Holding, Ledger } from "../src/ledger.js";
import { consoleLog } from "../src/log.js";
import { onAbort } from "../src/on-abort.js";
import { settingsOf } from "../src/options.js";
import { Outbox } from "../src/outbox.js";
import { delayMs, GaveUp, untilAnswered } from "../src/persistence.js";
import { createRegistry } from "../src/registry.js";
import { Slots } from "../src/slots.js";
import { Values } from "../src/values.js";
import { after, pause } from "../src/waiting.js";
import { openStore, schema, silent } from "./bench.js";

const noop = task({ name: "noop", run: async () => null });

describe("waiting", () => {
  it("keeps delays that are longer than Node's timers can", async () => {
    vi.useFakeTimers();
    const due = vi.fn();
    after(2 ** 31 * 3, due);
    const never = vi.fn();
    const cancel = after(2 ** 31 * 3, never);
    await vi.advanceTimersByTimeAsync(2 ** 31 * 3 - 1);
    expect(due).not.toHaveBeenCalled();
    cancel();
    await vi.advanceTimersByTimeAsync(1);
    expect(due).toHaveBeenCalledTimes(1);
    expect(never).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("ends a pause when its signal aborts, and leaves no timer", async () => {
    vi.useFakeTimers();
    const over = new AbortController();
    const paused = pause(1e9, over.signal);
    over.abort();
    await paused;
    await pause(1e9, over.signal);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});

describe("asking until there is an answer", () => {
  const asker = (signal = new AbortController().signal) => ({ random: () => 0, log: silent, signal });

  it("backs off, doubling up to 5 s, in the upper half of each delay", () => {
    expect([0, 1, 2, 30].map((failures) => delayMs(failures, () => 0))).toEqual([12.5, 25, 50, 2_500]);
    expect(delayMs(30, () => 1)).toBe(5_000);
  });

  it("goes on through failures, and says so twice", async () => {
    const log = { ...silent, warn: vi.fn(), info: vi.fn() };
    let left = 3;
    const call = async () => {
      if (left-- > 0) throw new JobbersError("store-busy", "busy");
      return "answer";
    };
    expect(await untilAnswered("renew", call, { ...asker(), log })).toBe("answer");
    expect(log.warn).toHaveBeenCalledTimes(1);
    expect(log.info).toHaveBeenCalledTimes(1);
  });

  it("takes a definite refusal for an answer", async () => {
    const call = vi.fn(() => Promise.reject(new JobbersError("session-lost", "gone")));
    await expect(untilAnswered("exchange", call, asker())).rejects.toMatchObject({ code: "session-lost" });
    expect(call).toHaveBeenCalledTimes(1);
  });

  it("gives up when its signal aborts, even where a call never settles", async () => {
    const over = new AbortController();
    const asked = untilAnswered("exchange", () => new Promise(() => {}), asker(over.signal));
    over.abort();
    await expect(asked).rejects.toBeInstanceOf(GaveUp);
  });
});

describe("the outbox", () => {
  const lease = { run: "r", address: "a", fence: 1 };
  const success = (output: string): Report => ({
    type: "succeeded",
    lease,
    output,
    follow: { successors: { items: [] } },
  });
  const parcel = (report: Report) => ({ report, settle: () => {} });

  it("sends at most 200 reports, 50 inside maps, or 8 MiB, in one exchange, but always one", () => {
    const outbox = new Outbox(() => {});
    for (let i = 0; i < 201; i++) outbox.put(parcel({ type: "released", lease }));
    expect(outbox.take()).toHaveLength(200);
    expect(outbox.take()).toHaveLength(1);
    const inMap = { ...lease, address: "s[3]" };
    for (let i = 0; i < 51; i++) outbox.put(parcel({ type: "released", lease: inMap }));
    expect(outbox.take()).toHaveLength(50);
    expect(outbox.take()).toHaveLength(1);
    const large = "x".repeat(5 * 1024 * 1024);
    for (let i = 0; i < 3; i++) outbox.put(parcel(success(large)));
    outbox.put(parcel(success(large + large)));
    expect([1, 2, 3, 4, 5].map(() => outbox.take().length)).toEqual([1, 1, 1, 1, 0]);
  });

  it("sends what came back first, and what is under suspicion one at a time", () => {
    const outbox = new Outbox(() => {});
    const [a, b, c] = ["a", "b", "c"].map((text) => parcel(success(text))) as [never, never, never];
    outbox.put(c);
    outbox.putBack([a, b]);
    expect(outbox.take()).toEqual([a, b, c]);
    outbox.putAside([a, b]);
    outbox.put(c);
    expect([outbox.take(), outbox.take(), outbox.take()]).toEqual([[a], [b], [c]]);
  });
});

describe("the log on stderr", () => {
  it("has one line for each call, and nothing that a terminal would obey", () => {
    const written = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => written.mockRestore());
    consoleLog().info("done\u001b[2J\ninfo forged\r", { by: "ada\u009b1m\u202e" });
    expect(written.mock.calls).toEqual([
      ['info done\\u{1b}[2J\\u{a}info forged\\u{d} {"by":"ada\\u{9b}1m\\u{202e}"}'],
    ]);
  });
});

describe("slots", () => {
  it("are free when neither taken nor reserved, and may be exceeded", () => {
    const slots = new Slots(3);
    slots.take();
    expect(slots.reserve(10)).toBe(2);
    expect(slots.reserve(10)).toBe(0);
    slots.unreserve(2);
    for (let i = 0; i < 4; i++) slots.take();
    expect(slots.free).toBe(0);
    for (let i = 0; i < 5; i++) slots.release();
    expect(slots.free).toBe(3);
  });
});

describe("values", () => {
  it("come from the grant, else from the store; large ones are kept, up to a limit", async () => {
    const text = "x".repeat(2_000);
    const read = vi.fn(async (_: string, keys: readonly string[]) =>
      Object.fromEntries(keys.map((key) => [key, key === "none" ? null : text])),
    );
    const values = new Values({ read }, 8_000);
    const reader = (keys: readonly string[]) => values.read("r", keys, { given: "1", gone: null });
    expect(await reader(["given", "gone"])).toMatchObject({ given: "1", gone: null });
    expect(read).not.toHaveBeenCalled();
    expect({ ...(await reader(["given", "b", "none"])) }).toEqual({ given: "1", b: text, none: null });
    await reader(["b", "none", ":failure"]);
    await reader([":failure", "c"]);
    expect(read.mock.calls.map(([, keys]) => keys).slice(1)).toEqual([
      ["none", ":failure"],
      [":failure", "c"],
    ]);
    await reader(["d", "e", "f"]);
    expect(values.chars).toBe(8_000);
    await reader(["f", "b"]);
    expect(read.mock.lastCall?.[1]).toEqual(["b"]);
    const keys = Array.from({ length: 1_001 }, (_, i) => `k${i}`);
    read.mockClear();
    await reader(keys);
    expect(read.mock.calls.map(([, page]) => page.length)).toEqual([500, 500, 1]);
  });
});

describe("the registry", () => {
  it("serves the tasks and inlined dags of its dags, on all their queues", () => {
    const far = task({ name: "far", queue: "far", run: async () => 1 });
    const inner = dag("inner", { input: schema<{ n: number }>() }, () => far({}, { queue: "nearer" }));
    const outer = dag("outer", {}, () => inner({ n: noop({}) as never }));
    const registry = createRegistry([outer, noop]);
    expect([...registry.serves].sort()).toEqual(["dag:inner", "dag:outer", "far", "noop"]);
    expect([...registry.queues].sort()).toEqual(["default", "far", "nearer"]);
    expect(registry.registrations.map(({ kind, name }) => [kind, name])).toEqual([
      ["dag", "outer"],
      ["task", "noop"],
    ]);
  });

  it("registers what others need in order to submit without the code", () => {
    const described = {
      "~standard": {
        ...schema<{ n: number }>()["~standard"],
        jsonSchema: { input: () => ({ side: "in" }), output: () => ({ side: "out" }) },
      },
    };
    const one = task({
      name: "one",
      input: described,
      output: described,
      keep: "1s",
      tags: ["t"],
      run: async () => ({ n: 1 }),
    });
    const two = dag("two", { input: schema<{ n: number }>(), tags: ["d"] }, (input) => one(input));
    const [first, second, third] = createRegistry([one, two, noop]).registrations;
    const texts = { inputSchema: '{"side":"in"}', outputSchema: '{"side":"out"}' };
    expect(first).toEqual(expect.objectContaining({ name: "one", ...texts, tags: ["t"], keepMs: 1_000 }));
    expect(first).not.toHaveProperty("parses");
    expect(second).toEqual(expect.objectContaining({ name: "two", parses: true, tags: ["d"] }));
    expect(second).not.toHaveProperty("inputSchema");
    expect(Object.keys(third as object)).toEqual(["kind", "name", "plan", "planText"]);
  });

  it("refuses two different tasks of one name", () => {
    const other = task({ name: "noop", run: async () => 2 });
    expect(() => createRegistry([noop, other])).toThrow(/two different tasks are named "noop"/);
    expect(createRegistry([noop, noop]).registrations).toHaveLength(1);
  });
});

describe("options", () => {
  it("are refused by name when they are wrong", async () => {
    const store = await openStore();
    for (const wrong of [
      { concurrency: 0 },
      { concurrency: 1.5 },
      { lanes: 17 },
      { leaseMs: Number.NaN },
      { graceMs: -1 },
      { queues: [] },
      { name: "" },
      { name: "two\nlines" },
      { name: "long".repeat(100) },
    ]) {
      const [name] = Object.keys(wrong);
      expect(() => settingsOf({ store, workflows: [noop], ...wrong })).toThrow(
        new RegExp(`the worker's ${name} is`),
      );
    }
    for (const queue of ["*", "", "long".repeat(100)])
      expect(() => settingsOf({ store, workflows: [noop], queues: ["default", queue] })).toThrow(
        "the worker's queue",
      );
    expect(settingsOf({ store, workflows: [noop], leaseMs: Number.POSITIVE_INFINITY }).leaseMs).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  it("say which machine this is", () => {
    expect(hostIdentity()).toBe(hostIdentity());
    if (process.platform === "linux") expect(hostIdentity()).toMatch(/^\S+ [0-9a-f-]{36} pid:\[\d+\]$/);
  });

  it("say when a process began", () => {
    const own = processBirth(process.pid);
    if (process.platform === "linux") expect(own).toMatch(/^\d+$/);
    expect(processBirth(process.pid)).toBe(own);
    expect(processBirth(2 ** 30)).toBeUndefined();
    expect(processBirth(process.ppid)).not.toBe(own ?? "unknown");
  });
});

describe("the ledger", () => {
  const holding = (address: string) => ({
    lease: { run: "r", address, fence: 1 },
    place: -1,
    disown: () => {},
  });
  const addressesOf = (ledger: Ledger) => [...ledger].map(({ lease }) => lease.address).sort();

  it("has what was added and not removed, whatever the order, and tells when it is empty", async () => {
    const ledger = new Ledger();
    const [a, b, c, d] = ["a", "b", "c", "d"].map(holding) as [Holding, Holding, Holding, Holding];
    await ledger.whenEmpty();
    for (const each of [a, b, c]) ledger.add(each);
    let isEmpty = false;
    const empty = ledger.whenEmpty().then(() => {
      isEmpty = true;
    });
    ledger.remove(a);
    ledger.remove(a);
    ledger.remove(d);
    expect(addressesOf(ledger)).toEqual(["b", "c"]);
    ledger.add(d);
    ledger.remove(c);
    ledger.remove(b);
    expect(addressesOf(ledger)).toEqual(["d"]);
    await Promise.resolve();
    expect([ledger.size, isEmpty]).toEqual([1, false]);
    ledger.remove(d);
    await empty;
    expect(ledger.size).toBe(0);
  });
});

describe("listening for an abort", () => {
  it("tells those who listen still, once, with one listener on the signal", () => {
    const controller = new AbortController();
    const listen = vi.spyOn(controller.signal, "addEventListener");
    const told: string[] = [];
    const forget = ["a", "b", "c", "d"].map((name) => onAbort(controller.signal, () => told.push(name)));
    forget[1]?.();
    forget[1]?.();
    forget[3]?.();
    controller.abort();
    expect(told.sort()).toEqual(["a", "c"]);
    expect(listen).toHaveBeenCalledTimes(1);
    forget[0]?.();
  });
});

describe("the audit", () => {
  const lease = (address: string) => ({ run: "r", address, fence: 1 });

  it("does not give back what an exchange brings that began while the store was asked", async () => {
    const released: string[] = [];
    const lane = { inFlight: false, answered: 7 };
    const held = [lease("lost")];
    const ledger = new Ledger();
    const audit = new Audit({
      ledger,
      lanes: () => [lane as Lane],
      log: silent,
      store: {
        listHeld: async () => {
          await Promise.resolve();
          if (!lane.inFlight && lane.answered === 7) {
            lane.inFlight = true;
            held.push(lease("on its way"));
          }
          return [...held];
        },
        release: async (_, leases) => void released.push(...leases.map(({ address }) => address)),
      },
    });
    for (let n = 0; n < 6; n++) await audit.hear("s", held.length);
    expect(released).toEqual([]);
    Object.assign(lane, { inFlight: false, answered: 8 });
    ledger.add({ lease: lease("on its way"), place: -1, disown: () => {} });
    for (let n = 0; n < 6; n++) await audit.hear("s", held.length);
    expect(new Set(released)).toEqual(new Set(["lost"]));
  });
});
