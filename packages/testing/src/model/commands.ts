import { type Grant, indexPlan, isSettled, type Plan, type Report } from "@jobbers/core";
import fc from "fast-check";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { createMachineRun } from "../machine/run.js";
import * as machine from "../machine/transitions.js";
import { Command } from "./command.js";
import { adopt } from "./compare.js";
import { control } from "./control-commands.js";
import { RANDOM_INPUT, randomPlans } from "./random-plans.js";
import { rerun, retry } from "./retry-command.js";
import { behind, type Holding, isThere, letGo, type Model, openWorker, pick, type Real } from "./world.js";

/** What happens to a store, each as one command: it is done to the store and to the model, and both are compared. */

const submit = (plan: Plan) =>
  new Command(`submit ${JSON.stringify(plan)}`, async (model, { store }) => {
    if (model.runs.size >= 3) return;
    const index = indexPlan(plan);
    const submission = submissionOf(plan, RANDOM_INPUT);
    await store.submit([submission]);
    const run = createMachineRun(index);
    machine.startEntries(run, submission.entries.items);
    model.runs.set(submission.id, { machine: run, submission, index, seen: new Map() });
  });

const submitAgain = (at: number) =>
  new Command(`submit run ${at} again`, async (model, { store }) => {
    const run = pick([...model.runs.values()], at);
    if (!run) return;
    const { submission } = run;
    const other = { ...submission, fingerprint: "other" };
    const [same, conflict] = await store.submit([submission, other]);
    expect(same).toMatchObject({ status: "existing" });
    expect(conflict).toMatchObject({ status: "conflict" });
  });

const take = (worker: number, slots: number, control: number) =>
  new Command(`worker ${worker} takes ${slots}+${control}`, async (model, real) => {
    const driver = real.drivers[worker % real.drivers.length] as Holding["driver"];
    await receive(model, real, driver, await driver.exchange([], { slots, control }));
  });

const report = (at: number, how: "succeed" | "fail" | "retry" | "release", slots: number) =>
  new Command(`${how} grant ${at}, take ${slots}`, async (model, real) => {
    const holding = pick(real.held, at);
    if (holding?.grant.phase !== "run") return;
    const { grant, driver } = holding;
    letGo(real, holding);
    const { run, step } = behind(model, grant);
    const sent = await reportOf(holding, how);
    const counts = run.machine.state === "running";
    const reply = await driver.exchange([sent], { slots, inline: slots > 0 });
    expect(reply.results).toEqual([counts ? "accepted" : "stale"]);
    if (counts && sent.type === "succeeded") machine.report(run.machine, step, "succeeded", sent.follow);
    if (counts && sent.type === "failed")
      machine.report(run.machine, step, "failed", sent.follow, { reason: "error" });
    if (counts && sent.type === "retry") machine.retry(run.machine, step);
    if (counts && sent.type === "released") machine.giveBack(run.machine, step);
    await receive(model, real, driver, reply);
  });

const reportLate = (at: number, how: "succeed" | "fail" | "retry") =>
  new Command(`late, ${how} grant ${at}`, async (model, real) => {
    // The last ones are the likeliest not to have been taken since.
    const holding = pick(real.late.toReversed(), at);
    if (holding?.grant.phase !== "run") return;
    const sent = await reportOf(holding, how);
    const [result] = (await holding.driver.exchange([sent])).results;
    if (!isThere(model, holding.grant)) {
      expect(result).toBe("stale");
      return;
    }
    const { run, step } = behind(model, holding.grant);
    if (sent.type !== "succeeded") return;
    const counts =
      run.machine.state === "running" && !isSettled(step.state) && step.fence === holding.grant.lease.fence;
    // In a run that is being cancelled the step may have been popped since.
    if (!counts || !run.machine.cancelling) expect(result).toBe(counts ? "accepted" : "stale");
    if (result === "accepted") machine.report(run.machine, step, "succeeded", sent.follow);
  });

const lose = (worker: number) =>
  new Command(`worker ${worker} dies`, async (model, real) => {
    const at = worker % real.drivers.length;
    const dead = real.drivers[at] as Holding["driver"];
    await real.store.reapSessions({ sweepMs: 1, limit: 500, gone: [dead.session.id] });
    real.drivers[at] = await openWorker(real.store);
    const lost = real.held.filter(({ driver }) => driver === dead);
    real.held = real.held.filter(({ driver }) => driver !== dead);
    real.late.push(...lost);
    for (const { grant } of lost) {
      const { run, step } = behind(model, grant);
      if (run.machine.state === "running" && step.place === "worker") machine.lose(run.machine, step);
    }
  });

const cancel = (at: number) =>
  new Command(`cancel run ${at}`, async (model, { store }) => {
    const [id, run] = pick([...model.runs], at) ?? [];
    if (id === undefined || !run) return;
    machine.cancel(run.machine);
    const { status } = await store.cancel(id);
    const { state } = run.machine;
    // A cancel may be sent twice: the second says what the first said, or that it has ended.
    if (state === "cancelled") expect(["cancelled", "ended"]).toContain(status);
    else expect(status).toBe(state === "running" ? "cancelling" : "ended");
  });

const promote = () =>
  new Command("time passes", async (model, { store, clock }) => {
    clock.advance(60_000);
    await store.promoteDue(100);
    for (const { machine: run } of model.runs.values()) {
      if (run.cancelling || run.state !== "running") continue;
      for (const step of run.steps.values()) if (step.place === "timer") machine.promote(run, step);
    }
  });

/** Takes note of what was granted: all of it had to be in a line. */
async function receive(
  model: Model,
  real: Real,
  driver: Holding["driver"],
  { grants }: { grants: readonly Grant[] },
) {
  // Steps that the same exchange has popped and cancelled may have handed out what follows them.
  await adopt(model, real.store);
  for (const grant of grants) {
    const { run, step } = behind(model, grant);
    expect(machine.isDoomed(run.machine, step), `${grant.lease.address} was to be cancelled`).toBe(false);
    const { phase, tries, lost, cursor } = grant;
    expect(
      { place: "line", phase, tries, lost, cursor, fence: grant.lease.fence },
      grant.lease.address,
    ).toEqual({
      ...{
        place: step.place,
        phase: step.phase,
        tries: step.tries,
        lost: step.lost,
        cursor: step.cursor,
        fence: step.fence + 1,
      },
    });
    if (phase === "advance") expect(grant.outcome).toBe(step.state);
    machine.take(step);
    real.held.push({ grant, driver });
  }
}

async function reportOf(
  { grant, driver }: Holding,
  how: "succeed" | "fail" | "retry" | "release",
): Promise<Report> {
  const { lease } = grant;
  if (how === "succeed") return driver.success(grant, null);
  if (how === "fail") return driver.failure(grant);
  if (how === "release") return { type: "released", lease, first: lease.fence % 2 === 1 };
  return { type: "retry", lease, error: "{}", reason: "error", delayMs: 1_000 };
}

/** Lets all go well from here on: every run has to come to its end, and once retried to a good one. */
export async function finishAll(model: Model, real: Real): Promise<void> {
  await finish(model, real);
  for (let at = 0; at < model.runs.size; at++) await retry(at).run(model, real);
  await finish(model, real);
  for (const { machine: run } of model.runs.values()) expect(run.state).toBe("succeeded");
}

async function finish(model: Model, real: Real): Promise<void> {
  const round = [promote(), take(0, 7, 7), take(1, 7, 7)];
  for (let idle = 0; idle < 3; idle = real.held.length === 0 ? idle + 1 : 0) {
    while (real.held.length > 0) {
      await control(0, true).run(model, real);
      await report(0, "succeed", 0).run(model, real);
      // What is held of a run that has ended meanwhile can only be let go.
      real.held = real.held.filter(({ grant }) => behind(model, grant).run.machine.state === "running");
    }
    for (const command of round) await command.run(model, real);
  }
  for (const { machine: run } of model.runs.values()) expect(run.state).not.toBe("running");
}

const small = fc.nat({ max: 7 });

/** All commands, the common ones more often. */
export const anyCommand: readonly fc.Arbitrary<Command>[] = [
  randomPlans.map(submit),
  small.map(submitAgain),
  ...Array.from({ length: 5 }, () =>
    fc.tuple(small, small, small).map(([worker, slots, most]) => take(worker, slots, most)),
  ),
  ...Array.from({ length: 5 }, () =>
    fc
      .tuple(
        small,
        fc.constantFrom("succeed", "succeed", "succeed", "fail", "fail", "retry", "release"),
        small,
      )
      .map(([at, how, slots]) => report(at, how, slots)),
  ),
  ...Array.from({ length: 2 }, () =>
    fc
      .tuple(fc.nat({ max: 2 }), fc.constantFrom("succeed", "succeed", "fail", "retry"))
      .map(([at, how]) => reportLate(at, how)),
  ),
  ...Array.from({ length: 4 }, () =>
    fc.tuple(small, fc.boolean()).map(([at, wholly]) => control(at, wholly)),
  ),
  small.map(lose),
  fc.constant(promote()),
  small.map(cancel),
  small.map((at) => retry(at)),
  small.map((at) => retry(at)),
  fc.tuple(small, small).map(([at, which]) => retry(at, which)),
  ...Array.from({ length: 3 }, () => fc.tuple(small, small).map(([at, which]) => rerun(at, which))),
];
