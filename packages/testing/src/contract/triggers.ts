import {
  type FailureMode,
  type Grant,
  judge,
  type ParentCounts,
  type Report,
  type StepState,
  type Trigger,
} from "@jobbers/core";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { submissionOf } from "../factories.js";
import { fromInput, literal, planOf, taskStep } from "../plans.js";
import type { Bench, BenchTest } from "./bench.js";

type Outcome = keyof ParentCounts;

const outcomes: readonly Outcome[] = ["succeeded", "failed", "skipped", "cancelled"];
const rules: readonly Trigger[] = ["all_success", "none_failed", "one_failed", "all_done"];
const modes: readonly FailureMode[] = ["stop", "continue"];
const ends = { run: "succeeded", skip: "skipped", cancel: "cancelled" } as const satisfies Record<
  string,
  StepState
>;

interface Case {
  readonly parents: readonly Outcome[];
  readonly trigger: Trigger;
  readonly mode: FailureMode;
}

/** Every way in which up to three parents can end, under every rule and mode: 672 runs. */
function allCases(): Case[] {
  const tuples = outcomes.flatMap((a) => [
    [a],
    ...outcomes.flatMap((b) => [[a, b], ...outcomes.map((c) => [a, b, c])]),
  ]);
  return tuples.flatMap((parents) =>
    rules.flatMap((trigger) => modes.map((mode) => ({ parents, trigger, mode }))),
  );
}

/** A step `x` whose parents end as the case says; one that is to be cancelled waits for a step that fails. */
function planFor({ parents, trigger, mode }: Case) {
  const input = literal(null);
  const steps = parents.flatMap((outcome, i) => {
    if (outcome === "skipped") return [taskStep(`p${i}`, { task: "t", when: fromInput(), input })];
    if (outcome !== "cancelled") return [taskStep(`p${i}`, { task: "t", input })];
    return [
      taskStep(`bad${i}`, { task: "t", input }),
      taskStep(`p${i}`, { after: [`bad${i}`], task: "t", input }),
    ];
  });
  const after = parents.map((_, i) => `p${i}`);
  return planOf("case", [...steps, taskStep("x", { after, trigger, task: "t", input })], { failure: mode });
}

const failing = ({ parents }: Case, address: string) =>
  address.startsWith("bad") || (address.startsWith("p") && parents[Number(address.slice(1))] === "failed");

export function triggers(test: BenchTest): void {
  test(
    "trigger rules are judged as the table has it, for every outcome of up to three parents in both modes",
    async (bench) => {
      const cases = allCases();
      const submissions = cases.map((each) => submissionOf(planFor(each), false));
      await bench.store.submit(submissions);
      const byRun = new Map(submissions.map(({ id }, i) => [id, cases[i] as Case]));
      await playAll(bench, (address, run) => failing(byRun.get(run) as Case, address));
      const wrong: string[] = [];
      for (const [run, each] of byRun) {
        const state = await bench.stepState(run, "x");
        const expected = ends[judge(each.trigger, countsOf(each.parents))];
        if (state !== expected)
          wrong.push(`${each.mode} ${each.trigger} of ${each.parents}: ${state}, not ${expected}`);
      }
      expect(wrong).toEqual([]);
    },
    { timeoutMs: 60_000 },
  );
}

/**
 * Plays all runs at once. Every parent is taken before any fails, so that mode `stop` cannot cancel a parent that the case wants
 * otherwise; skips settle as the conditions are judged.
 */
async function playAll(bench: Bench, fails: (address: string, run: string) => boolean) {
  const driver = await bench.driver(planOf("t", [taskStep("t")]));
  await controlAll(driver);
  const parents = await takeAll(driver);
  await reportAll(driver, parents, ({ lease }) => !fails(lease.address, lease.run));
  await controlAll(driver);
  for (let grants = await takeAll(driver); grants.length > 0; grants = await takeAll(driver)) {
    await reportAll(driver, grants, () => true);
    await controlAll(driver);
  }
}

async function takeAll(driver: Driver): Promise<Grant[]> {
  const all: Grant[] = [];
  for (;;) {
    const { grants, more } = await driver.exchange([], { slots: 400 });
    all.push(...grants);
    if (grants.length === 0 && !more) return all;
  }
}

/** Reports successes first, failures after. */
async function reportAll(driver: Driver, grants: readonly Grant[], succeeds: (grant: Grant) => boolean) {
  const good = await Promise.all(grants.filter(succeeds).map((grant) => driver.success(grant)));
  const bad = await Promise.all(
    grants.filter((grant) => !succeeds(grant)).map((grant) => driver.failure(grant)),
  );
  await reportInPages(driver, [...good, ...bad]);
}

async function controlAll(driver: Driver) {
  for (;;) {
    const { grants, more } = await driver.exchange([], { control: 400 });
    if (grants.length === 0 && !more) return;
    const reports = await Promise.all(grants.map((grant) => driver.work.control(grant, driver.session.id)));
    await reportInPages(driver, reports.flat());
  }
}

async function reportInPages(driver: Driver, reports: readonly Report[]) {
  for (let at = 0; at < reports.length; at += 400) {
    const { results } = await driver.exchange(reports.slice(at, at + 400));
    expect(results.filter((result) => result === "stale")).toEqual([]);
  }
}

function countsOf(parents: readonly Outcome[]): ParentCounts {
  const counts = { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 };
  for (const outcome of parents) counts[outcome]++;
  return counts;
}
