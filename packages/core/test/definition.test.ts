// biome-ignore-all lint/suspicious/noThenProperty: data may have one
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  concurrency,
  dag,
  eq,
  hash,
  JobbersError,
  not,
  orElse,
  type Ref,
  rate,
  roundRobin,
  task,
} from "../src/index.js";

const work = task({ name: "work", run: async () => ["x"] });
const take = task({ name: "take", input: z.object({ it: z.unknown() }), run: async () => 1 });
// biome-ignore lint/suspicious/noExplicitAny: these tests do what the types forbid
const wrong = (value: unknown) => value as any;
const define = (build: () => unknown) => () => dag("d", {}, () => wrong(build()));

describe("build functions", () => {
  test("may not be async, and their promise's rejection is swallowed", async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listen);
    const rejects = async () => {
      await null;
      work();
    };
    expect(define(rejects)).toThrow(/dag "d": the build function is async/);
    expect(define(() => work().map(wrong(rejects)))).toThrow(
      /the body of the map over the output of step "work" is async/,
    );
    expect(() => dag("d", { onFailure: wrong(rejects) }, () => 1)).toThrow(/the onFailure function is async/);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  test("may return a data property named then, but no promise inside", () => {
    expect(define(() => ({ then: work() }))).not.toThrow();
    expect(define(() => ({ a: [Promise.resolve(1)] }))).toThrow(/what the build function returns\.a\[0\]/);
  });

  test("have to be there", () => {
    expect(() => dag("d", {}, wrong(undefined))).toThrow(/dag "d" has no build function/);
    expect(() =>
      dag(
        "d",
        wrong(() => 1),
        wrong(undefined),
      ),
    ).toThrow(/dag "d": its options are a function/);
  });

  test("may add no step at all", () => {
    const empty = dag("empty", {}, () => ({ a: 1 }));
    expect(empty.plan).toMatchObject({ steps: [], output: { value: { a: 1 }, wires: [] } });
  });
});

describe("wrong options", () => {
  const cases: [string, () => unknown, RegExp][] = [
    [
      "a trigger",
      define(() => void work({}, { trigger: wrong("some") })),
      /step "work": trigger is "some"; there are all_success/,
    ],
    [
      "a literal when",
      define(() => void work({}, { when: wrong(true) })),
      /step "work": when is true; it takes a boolean ref/,
    ],
    ["after a literal", define(() => void work({}, { after: wrong("x") })), /step "work": after names "x"/],
    [
      "an unknown option",
      define(() => void work({}, wrong({ retries: 1 }))),
      /call of task "work": "retries" is no option; there are name/,
    ],
    [
      "options that are none",
      define(() => void work({}, wrong(3))),
      /call of task "work": its options are 3/,
    ],
    ["a queue", define(() => void work({}, { queue: "a b" })), /step "work": queue "a b" is not/],
    [
      "a priority",
      define(() => void work({}, { priority: 10 })),
      /step "work": priority is 10; it takes 0 to 9/,
    ],
    [
      "a way to be handed on",
      define(() => void work({}, { inline: "sometimes" as "auto" })),
      /step "work": inline is "sometimes"; it takes auto, always, never/,
    ],
    [
      "a time to start",
      define(() => void work({}, { startWithin: 0 })),
      /step "work": startWithin is 0; it has to be longer/,
    ],
    [
      "a timeout",
      define(() => void work({}, { timeout: 0 })),
      /step "work": timeout is 0; it has to be longer/,
    ],
    ["a retry", define(() => void work({}, { retry: { attempts: 0 } })), /step "work": retry\.attempts is 0/],
    [
      "a call's judge of errors",
      define(() => void work({}, { retry: wrong({ on: () => true }) })),
      /step "work": retry has no option "on"; it is a function, .*: give it to task\(\)/,
    ],
    [
      "a call's list of delays",
      define(() => void work({}, { retry: { delay: ["1s"], max: "2s" } })),
      /step "work": retry\.max is "2s", but \.delay is a list/,
    ],
    [
      "a spread",
      define(() => work().map(() => 1, { spread: wrong({}) })),
      /spread is an object; use hash\(\)/,
    ],
    ["a map without body", define(() => wrong(work()).map()), /the map over .* has no body/],
    [
      "a map of a task",
      define(() => wrong(work()).map(work)),
      /has no body; write \.map\(\(item\) => someTask/,
    ],
    ["a dag's option", () => dag("d", wrong({ retry: {} }), () => 1), /dag "d": "retry" is no option/],
    [
      "a dag's input",
      () => dag("d", { input: wrong({}) }, () => 1),
      /dag "d": input is an object; it takes a schema/,
    ],
    [
      "a failure mode",
      () => dag("d", { failure: wrong("ignore") }, () => 1),
      /failure is "ignore"; it takes "stop" or/,
    ],
    ["tags", () => dag("d", { tags: [""] }, () => 1), /dag "d": tags take a list/],
    [
      "onFailure",
      () => dag("d", { onFailure: wrong(1) }, () => 1),
      /onFailure is 1; it takes a build function/,
    ],
    [
      "a task's option",
      () => task(wrong({ name: "t", run: () => 1, retrys: 1 })),
      /task\(\): "retrys" is no option/,
    ],
    ["a task without run", () => task(wrong({ name: "t" })), /task "t": run is undefined/],
    ["a task without anything", () => task(wrong(undefined)), /task name undefined is not 1 to 128/],
    [
      "a task's input",
      () => task({ name: "t", input: wrong(1), run: () => 1 }),
      /task "t": input is 1; it takes a schema/,
    ],
    [
      "a task's timeout",
      () => task({ name: "t", timeout: wrong("soon"), run: () => 1 }),
      /task "t": timeout is "soon"/,
    ],
    [
      "a time to start of 0",
      () => task({ name: "t", startWithin: 0, run: () => 1 }),
      /task "t": startWithin is 0; it has to be longer than 0/,
    ],
    [
      "a negative time to start",
      () => task({ name: "t", startWithin: "-1s", run: () => 1 }),
      /task "t": startWithin is "-1s"; a duration cannot be negative/,
    ],
    [
      "an absurd time to start",
      () => task({ name: "t", startWithin: "99999d", run: () => 1 }),
      /task "t": startWithin is "99999d"; a duration is at most 10 years/,
    ],
    [
      "a task's timeout of 0",
      () => task({ name: "t", timeout: 0, run: () => 1 }),
      /task "t": timeout is 0; it has to be longer than 0/,
    ],
    [
      "a negative timeout",
      () => task({ name: "t", timeout: "-1s", run: () => 1 }),
      /task "t": timeout is "-1s"; a duration cannot be negative/,
    ],
    [
      "an absurd timeout",
      () => task({ name: "t", timeout: "99999d", run: () => 1 }),
      /task "t": timeout is "99999d"; a duration is at most 10 years/,
    ],
    [
      "a heartbeat that is too short",
      () => task({ name: "t", heartbeat: 249, run: () => 1 }),
      /task "t": heartbeat is 249; the shortest is 250 ms: a worker cannot tell a silent handler from/,
    ],
    [
      "a heartbeat of 0",
      () => task({ name: "t", heartbeat: 0, run: () => 1 }),
      /task "t": heartbeat is 0; the shortest/,
    ],
    [
      "a negative keep",
      () => task({ name: "t", keep: -1, run: () => 1 }),
      /task "t": keep is -1; a duration cannot be negative/,
    ],
    [
      "an unknown option of retry",
      () => task({ name: "t", retry: wrong({ delays: ["1s"] }), run: () => 1 }),
      /task "t": retry has no option "delays"; there are attempts, backoff, delay, max, jitter, on$/,
    ],
    [
      "a retry for nothing",
      () => task({ name: "t", retry: { attempts: 0 }, run: () => 1 }),
      /task "t": retry\.attempts is 0/,
    ],
    [
      "an empty list of delays",
      () => task({ name: "t", retry: { delay: [] }, run: () => 1 }),
      /task "t": retry\.delay is a list of 0/,
    ],
    [
      "a judge that is no function",
      () => task({ name: "t", retry: { on: wrong("TypeError") }, run: () => 1 }),
      /task "t": retry\.on is "TypeError"; it takes a function/,
    ],
    [
      "an unknown hook",
      () => task({ name: "t", hooks: wrong({ onFailure: () => {} }), run: () => 1 }),
      /task "t": hooks has no hook "onFailure"; there are onStart, onSuccess, onError, onSettled/,
    ],
    [
      "a hook that is no function",
      () => task({ name: "t", hooks: { onError: wrong("log") }, run: () => 1 }),
      /task "t": hooks\.onError is "log"; it takes a function/,
    ],
    [
      "hooks that are none",
      () => task({ name: "t", hooks: wrong([() => {}]), run: () => 1 }),
      /task "t": hooks is a list; it takes an object like/,
    ],
    [
      "an unknown option of a limit",
      () => task({ name: "t", limits: [wrong({ rate: 1, per: "1s", kye: () => "" })], run: () => 1 }),
      /task "t": limits\[0\] has no option "kye"; there are name and key, and rate, per/,
    ],
    [
      "a limit that is both",
      () => task({ name: "t", limits: [wrong({ concurrency: 1, per: "1s" })], run: () => 1 }),
      /task "t": limits\[0\] has per "1s", but is a concurrency limit/,
    ],
    ["a burst of 0", () => rate({ limit: 1, per: "1s", burst: 0 }), /rate\(\) has the burst 0; a burst is/],
    ["a cost of 0", () => rate({ limit: 1, per: "1s", cost: 0 }), /rate\(\) has the cost 0; a cost is/],
    [
      "a cost beyond the burst",
      () => rate({ limit: 9, per: "1s", cost: 3, burst: 2 }),
      /has the cost 3, which is more than its burst of 2/,
    ],
    ["a concurrency of -1", () => concurrency({ limit: -1 }), /concurrency\(\) allows -1 at once/],
    [
      "one name twice",
      () =>
        task({
          name: "t",
          limits: [
            { name: "s", concurrency: 1 },
            { name: "s", rate: 1, per: "1s" },
          ],
          run: () => 1,
        }),
      /task "t": limits\[1\] has the name "s" once more/,
    ],
    ["a rate of 0", () => rate({ limit: 0, per: "1s" }), /rate\(\) allows 0 starts/],
    ["a rate per 0", () => rate({ limit: 1, per: 0 }), /rate\(\) counts per 0/],
    ["a rate per nothing", () => rate(wrong({ limit: 1 })), /rate\(\): per is undefined/],
    ["a concurrency of 0", () => concurrency({ limit: 0 }), /concurrency\(\) allows 0 at once/],
    ["a concurrency of 1.5", () => concurrency({ limit: 1.5 }), /allows 1\.5 at once/],
    ["a key", () => concurrency({ limit: 1, key: wrong("host") }), /has the key "host"/],
    [
      "a limit's literal",
      () => task({ name: "t", limits: [{ rate: -1, per: "1s" }], run: () => 1 }),
      /task "t": limits\[0\] allows -1/,
    ],
    [
      "no limit",
      () => task({ name: "t", limits: [wrong({})], run: () => 1 }),
      /task "t": limits\[0\] is no limit; write/,
    ],
    ["hash without a key", () => hash(wrong(undefined), ["a"]), /hash\(\) has the key undefined/],
    ["a spread without queues", () => roundRobin([]), /roundRobin\(\) has no queues/],
    ["a spread's queue", () => roundRobin(["a b"]), /roundRobin\(\): queue "a b" is not/],
  ];

  test.each(cases)("%s", (_name, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(JobbersError);
  });
});

describe("two under one name", () => {
  const other = task({ name: "work", run: async () => 2 });

  test("tasks", () => {
    const message = /dag "d": two different tasks in it are named "work"/;
    expect(define(() => void [work(), other()])).toThrow(message);
    const inner = dag("inner", {}, () => other());
    expect(define(() => void [work(), inner()])).toThrow(message);
    expect(define(() => void [work(), work({}, { name: "again" })])).not.toThrow();
    expect(() => dag("d", { onFailure: () => other() }, () => work())).toThrow(message);
  });

  test("dags, and a dag inside one of its own name", () => {
    const a = dag("site", {}, () => 1);
    const b = dag("site", {}, () => 2);
    expect(define(() => void [a(), b()])).toThrow(/dag "d": two different dags in it are named "site"/);
    const d = dag("d", {}, () => 1);
    expect(define(() => void d())).toThrow(/dag "d": a dag inside it has the same name/);
    expect(define(() => void [a(), a()])).not.toThrow();
  });
});

describe("operations", () => {
  test("may be nested eight deep", () => {
    const nest = (deep: number) =>
      define(() => {
        let flag: Ref<boolean> = eq(work().length, 1);
        for (let i = 1; i < deep; i++) flag = not(flag);
        work({}, { when: flag });
      });
    expect(nest(8)).not.toThrow();
    expect(nest(9)).toThrow(/dag "d": not\(\) contains too many operations/);
    expect(nest(9000)).toThrow(/too many operations/);
  });

  test("may not grow without end by being shared", () => {
    expect(
      define(() => {
        let value: Ref<unknown> = work();
        const many = Array.from({ length: 500 }, () => orElse(value, 1));
        for (let i = 0; i < 3; i++) value = orElse(value, [many]);
        take({ it: value });
      }),
    ).toThrow(/orElse\(\) contains too many operations/);
  });
});

describe("two copies of the package", () => {
  test("agree on the definition in progress and on refs", async () => {
    const { vi } = await import("vitest");
    vi.resetModules();
    const copy = await import("../src/index.js");
    expect(copy.task).not.toBe(task);
    const foreign = copy.task({ name: "foreign", run: async () => ["y"] });
    const mixed = dag("mixed", {}, () => {
      const list = foreign();
      const flags = list.map((it) => copy.not(eq(it, "x")));
      return wrong(take({ it: flags }, { when: copy.eq(list.length, 1), after: list })) && 1;
    });
    expect(mixed.plan.steps.map(({ name }) => name)).toEqual(["foreign", "map[]", "take"]);
  });
});
