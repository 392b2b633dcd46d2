import type { FailureMode, JsonValue, Plan } from "@jobbers/core";
import {
  dagStep,
  fromInput,
  fromInputOf,
  fromItem,
  fromStep,
  mapStep,
  onFailureStep,
  planOf,
  taskStep,
  wire,
} from "./plans.js";

/** The plans that the contract's stories are about; functions, so that no test can spoil another's. */

/** One task. */
export const single = (parts: Parameters<typeof taskStep>[1] = {}): Plan =>
  planOf("single", [taskStep("a", parts)]);

/** a → b, c → d. */
export const diamond = (failure: FailureMode = "stop"): Plan =>
  planOf(
    "diamond",
    [
      taskStep("a"),
      taskStep("b", { after: ["a"] }),
      taskStep("c", { after: ["a"] }),
      taskStep("d", { after: ["b", "c"] }),
    ],
    { failure, output: wire(fromStep("d")) },
  );

/** s1 → s2 → … */
export function chain(length: number, failure: FailureMode = "stop"): Plan {
  const steps = Array.from({ length }, (_, i) => taskStep(`s${i + 1}`, i === 0 ? {} : { after: [`s${i}`] }));
  return planOf("chain", steps, { failure });
}

/** A map over `input.list` with one step in its body, and a join that takes the length. */
export const mapped = (failure: FailureMode = "stop"): Plan =>
  planOf(
    "mapped",
    [
      mapStep("item[]", fromInput("list")),
      taskStep("item", { in: "item[]", input: wire(fromItem("item[]")) }),
      taskStep("join", { after: ["item[]"], input: wire(fromStep("item[]", "length")) }),
    ],
    { failure, output: wire(fromStep("join")) },
  );

/** A map over `input.list`, whose elements are lists, in each of which is a map; then a join. */
export const mapInMap = (): Plan =>
  planOf(
    "map-in-map",
    [
      mapStep("cell[][]", fromInput("list"), { output: wire(fromStep("cell[]")) }),
      mapStep("cell[]", fromItem("cell[][]"), { in: "cell[][]" }),
      taskStep("cell", { in: "cell[]", input: wire(fromItem("cell[]")) }),
      taskStep("join", { after: ["cell[][]"], input: wire(fromStep("cell[][]")) }),
    ],
    { output: wire(fromStep("join")) },
  );

/** A map whose body is a diamond. */
export const mappedDiamond = (): Plan =>
  planOf("mapped-diamond", [
    mapStep("d[]", fromInput("list")),
    taskStep("a", { in: "d[]", input: wire(fromItem("d[]")) }),
    taskStep("b", { in: "d[]", after: ["a"] }),
    taskStep("c", { in: "d[]", after: ["a"] }),
    taskStep("d", { in: "d[]", after: ["b", "c"] }),
    taskStep("join", { after: ["d[]"], input: wire(fromStep("d[]")) }),
  ]);

/** before → site(fetch → parse) → after; the inlined dag reads what `before` answered. */
export const inlined = (parts: { readonly parses?: boolean; readonly failure?: FailureMode } = {}): Plan =>
  planOf(
    "inlined",
    [
      taskStep("before"),
      dagStep("site", {
        after: ["before"],
        input: wire(fromStep("before")),
        output: wire(fromStep("site/parse")),
        parses: parts.parses ?? false,
      }),
      taskStep("site/fetch", { in: "site", input: wire(fromInputOf("site")) }),
      taskStep("site/parse", { in: "site", after: ["site/fetch"] }),
      taskStep("after", { after: ["site"], input: wire(fromStep("site")) }),
    ],
    { failure: parts.failure ?? "stop", output: wire(fromStep("after")) },
  );

/** a → b (when input.flag) → c; d waits for b with `none_failed`. */
export const conditional = (): Plan =>
  planOf("conditional", [
    taskStep("a"),
    taskStep("b", { after: ["a"], when: fromInput("flag") }),
    taskStep("c", { after: ["b"] }),
    taskStep("d", { after: ["b"], trigger: "none_failed" }),
  ]);

/** a → b; caught by `rescue`; `clean` is its finally. */
export const caught = (failure: FailureMode = "stop"): Plan =>
  planOf(
    "caught",
    [
      taskStep("a"),
      taskStep("b", { after: ["a"] }),
      taskStep("rescue", { after: ["a"], trigger: "one_failed" }),
      taskStep("clean", { after: ["a"], trigger: "all_done" }),
    ],
    { failure },
  );

/** a → b with an onFailure body of one step that reads what failed. */
export const watched = (failure: FailureMode = "stop"): Plan =>
  planOf(
    "watched",
    [
      taskStep("a"),
      taskStep("b", { after: ["a"] }),
      onFailureStep(),
      taskStep("~onFailure/tell", { in: "~onFailure", input: wire({ from: "failure", path: [] }) }),
    ],
    { failure },
  );

/** `width` steps without parents: more than one page of entries. */
export const manyEntries = (width: number): Plan =>
  planOf(
    "many-entries",
    Array.from({ length: width }, (_, i) => taskStep(`e${i}`, { task: "e" })),
  );

/** One step that `width` others wait for, and one that waits for all of these. */
export const wideSuccessors = (width: number): Plan => {
  const children = Array.from({ length: width }, (_, i) => `c${i}`);
  return planOf("wide-successors", [
    taskStep("a"),
    ...children.map((name) => taskStep(name, { after: ["a"], task: "c" })),
    taskStep("join", { after: children, input: { value: {} as JsonValue, wires: [] } }),
  ]);
};
