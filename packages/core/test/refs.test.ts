// biome-ignore-all lint/suspicious/noAssignInExpressions: refs are leaked out of bodies on purpose
// biome-ignore-all lint/suspicious/useIterableCallbackReturn: bodies of ref.map are no callbacks of a list
// biome-ignore-all lint/suspicious/noThenProperty: data may have one
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { dag, eq, JobbersError, not, orElse, type Ref, type TaskStep, task } from "../src/index.js";

const page = task({
  name: "page",
  run: async () => ({
    title: "",
    map: ["a"],
    at: "",
    then: "",
    length: 3,
    list: [1],
    map2: {} as Record<string, number>,
  }),
});
const take = task({ name: "take", input: z.object({ it: z.unknown() }), run: async () => 1 });

type Page = ReturnType<typeof page>;
/** What happens when a build function does this to a ref, without the compiler's protection. */
// biome-ignore lint/suspicious/noExplicitAny: these tests do what the types forbid
const using = (use: (ref: any, page: Page) => unknown) => () =>
  dag("crawl", {}, () => {
    const ref = page();
    use(ref.title, ref);
  });
const pathTaken = (read: (ref: Page) => unknown) => {
  const { plan } = dag("d", {}, () => void take({ it: read(page()) }));
  return (plan.steps[1] as TaskStep).input.wires.map(({ source }) => source.path);
};

describe("reading a ref gives a path", () => {
  test("also where the property has the name of a method", () => {
    expect(pathTaken((ref) => ref.title)).toEqual([["title"]]);
    expect(pathTaken((ref) => [ref.map, ref.at, ref.then, ref.length])).toEqual([
      ["map"],
      ["at"],
      ["then"],
      ["length"],
    ]);
    expect(pathTaken((ref) => [ref.list.length, ref.map.at(0)])).toEqual([
      ["list", "length"],
      ["map", 0],
    ]);
  });

  test("at() takes indices from either end, and keys of records", () => {
    expect(
      pathTaken((ref) => [ref.list.at(2), ref.list.at(-1), ref.map2.at("a b"), ref.map2.at("7")]),
    ).toEqual([
      ["list", 2],
      ["list", -1],
      ["map2", "a b"],
      ["map2", "7"],
    ]);
  });

  test("an element of a tuple is an index", () => {
    expect(pathTaken((ref) => (ref as unknown as Ref<[number, { x: 1 }]>)[1].x)).toEqual([[1, "x"]]);
  });

  test("a data property named map is mapped over when it is called so", () => {
    const { plan } = dag("d", {}, () => void page().map.map((item) => take({ it: item })));
    expect(plan.steps[1]).toMatchObject({ kind: "map", over: { from: "step", step: "page", path: ["map"] } });
  });

  test("destructuring works", () => {
    expect(pathTaken(({ title, list: { length } }) => [title, length])).toEqual([
      ["title"],
      ["list", "length"],
    ]);
  });

  test("a debugger's print says what it is", () => {
    let seen = "";
    using((ref) => {
      seen = inspect(ref);
    })();
    expect(seen).toBe('[Ref: the output of step "page" at .title]');
  });
});

describe("using a ref as if it were a value is refused, naming dag, step and path", () => {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const uses: [string, (ref: any) => unknown, RegExp][] = [
    ["a template", (ref) => `${ref}`, /as text or a number/],
    ["String()", (ref) => String(ref), /as text or a number/],
    ["toString()", (ref) => ref.toString(), /as text or a number/],
    ["arithmetic", (ref) => ref + 1, /as text or a number/],
    ["multiplication", (ref) => ref * 2, /as text or a number/],
    ["a comparison", (ref) => ref > 3, /as text or a number/],
    // biome-ignore lint/suspicious/noDoubleEquals: what is refused is the loose equality
    ["loose equality", (ref) => ref == "x", /as text or a number/],
    ["new URL()", (ref) => new URL(ref), /as text or a number/],
    ["JSON.stringify", (ref) => JSON.stringify(ref), /with JSON.stringify/],
    ["JSON.stringify inside", (ref) => JSON.stringify({ deep: [ref] }), /with JSON.stringify/],
    ["spread", (ref) => ({ ...ref }), /properties are listed/],
    ["rest", ({ a, ...rest }) => rest, /properties are listed/],
    ["Object.keys", (ref) => Object.keys(ref), /properties are listed/],
    ["in", (ref) => "x" in ref, /with `in`/],
    ["assignment", (ref) => (ref.x = 1), /to assign to/],
    ["delete", (ref) => delete ref.x, /to delete from/],
    ["iteration", (ref) => [...ref], /a list to go through; call its \.map\(\)/],
    [
      "a loop",
      (ref) => {
        for (const each of ref) void each;
      },
      /a list to go through/,
    ],
    ["a call", (ref) => ref(), /as a function/],
    ["a method", (ref) => ref.filter(() => true), /at \.title\.filter is used as a function/],
    ["at() of a ref", (ref) => ref.at(ref), /with \.at\(a ref\)/],
    ["at() of half", (ref) => ref.at(0.5), /with \.at\(0\.5\)/],
  ];

  test.each(uses)("%s", (_name, use, message) => {
    const define = using(use);
    expect(define).toThrow(JobbersError);
    expect(define).toThrow(message);
    expect(define).toThrow(/^dag "crawl": the output of step "page" at \.title/);
    expect(define).toThrow(expect.objectContaining({ code: "definition-invalid" }));
  });

  test("await, which rejects", async () => {
    let awaiting: Promise<unknown> | undefined;
    const own = async (ref: unknown) => await ref;
    using((ref) => {
      awaiting = own(ref);
      awaiting.catch(() => {});
    })();
    await expect(awaiting).rejects.toThrow(
      /^dag "crawl": the output of step "page" at \.title is used with await/,
    );
  });

  test("and says so of inputs, elements, indices, failures and operations too", () => {
    const text = (value: unknown) => `${value as string}`;
    const input = z.object({ list: z.array(z.string()), flag: z.boolean() });
    const define = (use: (input: Ref<{ list: string[]; flag: boolean }>) => unknown) => () =>
      dag("d", { input }, (ref) => void use(ref));
    expect(define((ref) => text(ref.flag))).toThrow(/^dag "d": the dag's input at \.flag is used/);
    expect(define((ref) => ref.list.map((item) => text(item)))).toThrow(
      /the element of "the map over the dag's input at \.list"/,
    );
    expect(define((ref) => ref.list.map((_, index) => text(index)))).toThrow(/the index in "the map over/);
    expect(define((ref) => text(orElse(ref.flag, true)))).toThrow(/what orElse\(\) answers is used/);
    expect(define((ref) => text(not(ref.flag)))).toThrow(/what not\(\) answers is used/);
    expect(() => dag("d", { onFailure: (failure) => void text(failure.step) }, () => 1)).toThrow(
      /the failure at \.step is used/,
    );
  });
});

describe("where a ref may be used", () => {
  test("not in another dag's definition", () => {
    const define = () =>
      dag("outer", {}, () => {
        const ref = page();
        dag("inner", {}, () => void take({ it: ref.title }));
      });
    expect(define).toThrow(/dag "inner": the output of step "page" at \.title of dag "outer" is used here/);
    let leaked: Page | undefined;
    dag("first", {}, () => {
      leaked = page();
    });
    expect(() => dag("second", {}, () => leaked as Page)).toThrow(
      /dag "second": .* of dag "first" is used here/,
    );
    expect(() => dag("second", {}, () => void take({ it: 1 }, { after: leaked as Page }))).toThrow(
      /of dag "first"/,
    );
    expect(() =>
      dag("second", {}, () => void take({ it: 1 }, { when: eq((leaked as Page).title, "") })),
    ).toThrow(/of dag "first"/);
    expect(() => (leaked as Page).list.map(() => 1)).toThrow(/too late or from inside another dag/);
  });

  test("not outside the map body that it belongs to", () => {
    const leaking = (leak: (item: unknown, step: unknown) => unknown) => () =>
      dag("d", {}, () => {
        let leaked: unknown;
        page().list.map((item) => {
          const step = take({ it: item });
          leaked = leak(item, step);
        });
        take({ it: leaked }, { name: "late" });
      });
    expect(leaking((_, step) => step)).toThrow(
      /step "late" uses the output of step "take", which is out of its reach/,
    );
    expect(leaking((item) => item)).toThrow(
      /step "late" uses the element of "take\[\]", which is out of its reach/,
    );
    expect(leaking((item) => orElse(item as Ref<number>, 1))).toThrow(/out of its reach/);
    const returning = () =>
      dag("d", {}, () => {
        let leaked: unknown;
        page().list.map((item) => void (leaked = take({ it: item })));
        return leaked as Ref<number>;
      });
    expect(returning).toThrow(/an output uses the output of step "take", which is out of its reach/);
  });

  test("not in a sibling's body", () => {
    const define = () =>
      dag("d", {}, () => {
        const { list } = page();
        let leaked: unknown;
        list.map((item) => void (leaked = item));
        list.map(() => take({ it: leaked }));
      });
    expect(define).toThrow(/step "take" uses the element of "map\[\]"/);
  });

  test("a step of the dag not in onFailure, a failure not outside it", () => {
    let ref: unknown;
    expect(() => dag("d", { onFailure: () => take({ it: ref }) }, () => void (ref = page()))).toThrow(
      /out of its reach/,
    );
    let failure: unknown;
    dag("d", { onFailure: (it) => void (failure = it.step) }, () => 1);
    expect(() => dag("e", {}, () => take({ it: failure }))).toThrow(/of dag "d" is used here/);
  });
});

describe("calls outside a definition", () => {
  test("name the task and say what to do instead", () => {
    expect(() => page()).toThrow(
      /task "page" is called outside the build function of a dag\(\); use page\.run/,
    );
    const inner = dag("inner", {}, () => page());
    expect(() => inner()).toThrow(/dag "inner" is called outside a dag\(\)/);
    expect(() => not({} as never)).toThrow(/not\(\) works on refs; call it inside/);
  });

  test("a definition that throws leaves nothing behind", () => {
    expect(() =>
      dag("d", {}, () => {
        throw new Error("mine");
      }),
    ).toThrow("mine");
    expect(() => page()).toThrow(/outside the build function/);
    expect(() =>
      dag(
        "d",
        {},
        () =>
          void page().list.map(() => {
            throw new Error("deep");
          }),
      ),
    ).toThrow("deep");
    expect(() => page()).toThrow(/outside the build function/);
    expect(dag("d", {}, () => page()).plan.steps).toHaveLength(1);
  });
});
