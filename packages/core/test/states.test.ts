import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  canMove,
  canReopen,
  isEnded,
  isSettled,
  reopenTransitions,
  runReopenTransitions,
  runTransitions,
  type StepState,
  stepTransitions,
} from "../src/index.js";

const source = readFileSync(new URL("../src/store/states.ts", import.meta.url), "utf8");
const [steps, runs] = [...source.matchAll(/```mermaid\n(.+?)```/gs)].map(([, drawing]) =>
  readDrawing(drawing as string),
);
const states = Object.keys(stepTransitions) as StepState[];

interface Drawing {
  readonly moves: string[];
  readonly byHand: string[];
  readonly starts: string[];
  readonly ends: string[];
}

/** Reads every arrow of a state diagram; a line that is none fails, so nothing can be overlooked. */
function readDrawing(text: string): Drawing {
  const drawing: Drawing = { moves: [], byHand: [], starts: [], ends: [] };
  const [head, ...lines] = text
    .split("\n")
    .map((line) => line.replace(/^ \*/, "").trim())
    .filter((line) => line !== "");
  expect(head).toBe("stateDiagram-v2");
  for (const line of lines) {
    const [, from, to, label] =
      /^(\w+|\[\*\]) --> (\w+|\[\*\])(?:: (.+))?$/.exec(line) ?? expect.fail(`no arrow: ${line}`);
    if (from === "[*]") drawing.starts.push(to as string);
    else if (to === "[*]") drawing.ends.push(from as string);
    else (label === "retried by hand" ? drawing.byHand : drawing.moves).push(`${from} > ${to}`);
  }
  return drawing;
}

function arrows(table: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(table)
    .flatMap(([from, all]) => all.map((to) => `${from} > ${to}`))
    .sort();
}

describe("the drawing of the steps' states", () => {
  it("shows the tables, each arrow once", () => {
    expect(steps?.moves.toSorted()).toEqual(arrows(stepTransitions));
    expect(steps?.byHand.toSorted()).toEqual(arrows(reopenTransitions));
  });

  it("shows where steps begin and end", () => {
    expect(steps?.starts).toEqual(["blocked", "ready"]);
    expect(steps?.ends.toSorted()).toEqual(states.filter(isSettled).sort());
  });
});

describe("the drawing of the runs' states", () => {
  it("shows the tables, beginnings and ends", () => {
    expect(runs?.moves.toSorted()).toEqual(arrows(runTransitions));
    expect(runs?.byHand.toSorted()).toEqual(arrows(runReopenTransitions));
    expect(runs?.starts).toEqual(["scheduled", "running"]);
    const all = Object.keys(runTransitions) as (keyof typeof runTransitions)[];
    expect(runs?.ends.toSorted()).toEqual(all.filter(isEnded).sort());
  });
});

describe("the state machine of steps", () => {
  it("lets no settled step move, but by hand", () => {
    expect(states.filter(isSettled)).toEqual(["succeeded", "failed", "cancelled", "skipped"]);
    for (const from of states) {
      for (const to of states) {
        if (isSettled(from)) expect(canMove(from, to)).toBe(false);
        else expect(canReopen(from, to)).toBe(false);
      }
    }
    expect(canReopen("failed", "ready")).toBe(true);
    expect(canReopen("succeeded", "ready")).toBe(true);
    expect(canReopen("succeeded", "failed")).toBe(false);
  });

  it("lets every step that has not settled be cancelled, and leads from everywhere to an end", () => {
    for (const from of states) if (!isSettled(from)) expect(canMove(from, "cancelled")).toBe(true);
  });

  it("reaches every state from the two beginnings", () => {
    const reached = new Set<StepState>(["blocked", "ready"]);
    for (const from of reached) for (const to of stepTransitions[from]) reached.add(to);
    expect([...reached].sort()).toEqual([...states].sort());
  });

  it("takes a late success from whoever waits to be tried again, and a late failure from nobody", () => {
    for (const from of ["ready", "limited", "waiting"] as const) {
      expect(canMove(from, "succeeded")).toBe(true);
      // Only who was not started in time fails while it is ready or limited.
      expect(canMove(from, "failed")).toBe(from !== "waiting");
    }
    expect(canMove("blocked", "succeeded")).toBe(false);
  });
});
