import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ON_FAILURE, type Source, toMermaid, type Wiring } from "../src/index.js";
import { dagStep, mapStep, nothing, planOf, randomPlan, taskStep } from "./random-plan.js";

const wire = (source: Source): Wiring => ({ value: null, wires: [{ at: [], source }] });

describe("toMermaid", () => {
  it("draws steps, frames, arrows and conditions", () => {
    const check: Source = { from: "step", step: "list", path: ["more", 0, "a b"] };
    const plan = planOf([
      taskStep("list"),
      mapStep("fetch[]", { parents: ["list"], over: { from: "step", step: "list", path: ["urls"] } }),
      taskStep("fetch", { in: "fetch[]", task: "fetch-page" }),
      dagStep("site~2", { parents: ["list", "fetch[]"], dag: "site", when: check }),
      taskStep("site~2/sum~2", { in: "site~2" }),
      taskStep("rescue", { parents: ["fetch[]"], trigger: "one_failed" }),
      taskStep("clean", {
        parents: ["site~2"],
        trigger: "all_done",
        when: { from: "eq", args: [wire(check), { value: "x", wires: [] }], path: [] },
      }),
      dagStep(ON_FAILURE, { dag: "tell" }),
      taskStep(`${ON_FAILURE}/mail`, { in: ON_FAILURE }),
    ]);
    expect(toMermaid(plan)).toBe(
      [
        "flowchart TD",
        '  s0["list"]',
        '  subgraph s1["fetch[]<br/>for each of list.urls"]',
        '    s2["fetch<br/>task fetch-page"]',
        "  end",
        '  subgraph s3["site~2<br/>dag site<br/>when list.more[0][#34;a b#34;]"]',
        '    s4["sum~2"]',
        "  end",
        '  s5["rescue"]',
        '  s6["clean<br/>when eq(list.more[0][#34;a b#34;], #34;x#34;)"]',
        '  subgraph s7["on failure"]',
        '    s8["mail"]',
        "  end",
        "  s0 --> s1",
        "  s0 --> s3",
        "  s1 --> s3",
        "  s1 -. on failure .-> s5",
        "  s3 -- finally --> s6",
        "",
      ].join("\n"),
    );
  });

  it("draws a body without steps as a box", () => {
    expect(toMermaid(planOf([mapStep("list[]")]))).toBe(
      'flowchart TD\n  s0["list[]<br/>for each of input"]\n',
    );
  });

  it("lets no text out of its label", () => {
    const evil = 'x"]; click s0 href "javascript:alert(1)" %%{init}%% <script>&amp; end\n`#59;';
    const text = toMermaid(planOf([taskStep("a", { task: evil, when: { from: "input", path: [evil] } })]));
    expect(text.split("\n")).toHaveLength(3);
    expect(text).toMatch(/^flowchart TD\n {2}s0\["[^"<>&`\n%]*(<br\/>[^"<>&`\n%]*){2}"\]\n$/);
  });

  it("names every step once, inside its owner, and ends every frame", () => {
    fc.assert(
      fc.property(randomPlan, (plan) => {
        const lines = toMermaid(plan).trimEnd().split("\n").slice(1);
        const owners: string[] = [];
        const seen = new Map<string, string | undefined>();
        for (const line of lines) {
          const id = /s(\d+)\[/.exec(line)?.[1];
          if (id === undefined) owners.pop();
          else {
            const step = plan.steps[Number(id)];
            seen.set(step?.name ?? expect.fail(line), owners.at(-1));
            if (line.trim().startsWith("subgraph")) owners.push(step?.name as string);
          }
        }
        expect(owners).toEqual([]);
        expect(seen).toEqual(new Map(plan.steps.map((step) => [step.name, step.in])));
      }),
    );
  });

  it("draws 10,000 steps, in a row or each inside the other, and conditions without end", () => {
    const many = 10_000;
    const row = Array.from({ length: many }, (_, i) =>
      taskStep(`a${i}`, i > 0 ? { parents: [`a${i - 1}`] } : {}),
    );
    expect(toMermaid(planOf(row)).split("\n")).toHaveLength(2 * many + 1);
    const nest = Array.from({ length: many }, (_, i) => mapStep(`a${i}`, i > 0 ? { in: `a${i - 1}` } : {}));
    const text = toMermaid(planOf(nest));
    expect(text.match(/subgraph/g)).toHaveLength(many - 1);
    expect(text.length).toBeLessThan(2_000_000);
    let when: Source = { from: "input", path: [] };
    for (let i = 0; i < 100_000; i++) when = { from: "not", args: [wire(when)], path: [] };
    expect(toMermaid(planOf([taskStep("a", { when, input: nothing })]))).toContain(
      "not(not(not(not(not(…)))))",
    );
  });
});
