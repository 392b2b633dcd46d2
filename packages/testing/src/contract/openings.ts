import type { Grant, Lease, Plan, Report, Submission } from "@jobbers/core";
import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import { type Driver, errorText } from "../driver.js";
import { type SubmissionParts, submissionOf } from "../factories.js";
import { fromInput, planOf, taskStep, wire } from "../plans.js";
import { chain, diamond, manyEntries } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

/** What a session has to serve in order to parse a plan's input. */
const parserOf = (plan: Plan) => `dag:${plan.name}`;

/** A submission by somebody who could not parse its input. */
function unparsed(plan: Plan, input: object, parts: SubmissionParts = {}): Submission {
  const submission = submissionOf(plan, input as never, parts);
  return { ...submission, needs: parserOf(plan), entries: { items: [], next: 0 } };
}

/** A driver that may parse, and one that only knows the tasks. */
const parser = (bench: Bench, plan: Plan) =>
  bench.driver(plan, { serves: ["a", "b", "c", "d", parserOf(plan)] });

/** The begin of a run as the driver reports it, with another input in the place of the raw one. */
async function reportsOf(worker: Driver, grant: Grant, input: unknown): Promise<Report[]> {
  const reports = await worker.work.control(grant, worker.session.id);
  return reports.map((report) =>
    report.type === "entered" ? { ...report, input: JSON.stringify(input) } : report,
  );
}

async function opening(worker: Driver): Promise<Grant> {
  const [grant] = await worker.takeControl();
  expect(grant).toMatchObject({ phase: "enter", lease: { address: "" } });
  return grant as Grant;
}

const misfit = (lease: Lease): Report => ({
  type: "failed",
  lease,
  error: errorText("input-invalid: n is missing"),
  reason: "invalid-input",
  follow: { successors: { items: [] } },
});

/** A task that is given the whole input, and a dag that is nothing but its input. */
const reading = () => planOf("reading", [taskStep("a", { input: wire(fromInput()) })]);
const stepless = () => planOf("stepless", []);

export function openings(test: BenchTest): void {
  test("an input that the submitter could not parse is parsed before the first step", async (bench) => {
    const plan = reading();
    const submission = unparsed(plan, { n: "1" });
    await bench.store.submit([submission]);
    const inputs: unknown[] = [];
    const worker = await bench.driver(plan, {
      serves: ["a", parserOf(plan)],
      script: ({ input }) => {
        inputs.push(input);
        return { succeed: 1 };
      },
    });
    const grant = await opening(worker);
    expect(grant).toMatchObject({ needs: "dag:reading", values: { ":input": '{"n":"1"}' }, cursor: 0 });
    expect(await bench.value(submission.id, ":input")).toEqual({ n: "1" });
    await worker.exchange(await reportsOf(worker, grant, { n: 1, more: "default" }));
    expect(await bench.value(submission.id, ":input")).toEqual({ n: 1, more: "default" });
    await worker.finish();
    expect(inputs).toEqual([{ n: 1, more: "default" }]);
    expect(await bench.runState(submission.id)).toBe("succeeded");
  });

  test("the parsed input takes the raw one's place, whatever their sizes", async (bench) => {
    const plan = reading();
    const large = { text: "x".repeat(100_000) };
    for (const [raw, parsed] of [
      [{}, large],
      [large, {}],
      [large, { text: "y".repeat(50_000) }],
      [{ n: 1 }, { n: 2 }],
    ] as const) {
      const submission = unparsed(plan, raw);
      await bench.store.submit([submission]);
      const seen: unknown[] = [];
      const worker = await bench.driver(plan, {
        serves: ["a", parserOf(plan)],
        script: ({ input }) => {
          seen.push(input);
          return { succeed: 1 };
        },
      });
      await worker.exchange(await reportsOf(worker, await opening(worker), parsed));
      expect(await bench.value(submission.id, ":input")).toEqual(parsed);
      await worker.finish();
      expect(seen).toEqual([parsed]);
      await bench.store.closeSession(worker.session.id);
    }
  });

  test("only a session that has the dag is given an input to parse", async (bench) => {
    const plan = diamond();
    const submission = unparsed(plan, {});
    await bench.store.submit([submission]);
    const other = await bench.driver(plan);
    expect(await other.finish()).toBe(0);
    expect(await other.takeControl()).toEqual([]);
    const able = await parser(bench, plan);
    await able.control(await opening(able));
    expect(await other.finish()).toBe(4);
    expect(await bench.runState(submission.id)).toBe("succeeded");
  });

  test("a run whose input does not fit fails before any step, onFailure or not", async (bench) => {
    const plan = diamond();
    const submission = { ...unparsed(plan, { n: 1 }), onFailure: true };
    await bench.store.submit([submission]);
    const worker = await parser(bench, plan);
    const grant = await opening(worker);
    expect((await worker.exchange([misfit(grant.lease)])).results).toEqual(["accepted"]);
    const record = await bench.store.getRun(submission.id);
    expect(record?.state).toBe("failed");
    expect(JSON.parse(record?.failure as string)).toMatchObject({
      step: "",
      error: { message: "input-invalid: n is missing" },
    });
    expect(await worker.finish()).toBe(0);
    expect((await bench.store.listSteps(submission.id, { limit: 10 })).steps).toEqual([]);
    expect(await bench.value(submission.id, ":input")).toEqual({ n: 1 });
  });

  test("the same raw input is the same run, before it was parsed and after", async (bench) => {
    const plan = diamond();
    const submission = unparsed(plan, { n: "1" });
    await bench.store.submit([submission]);
    const withCode = submissionOf(plan, { n: "1" }, { id: submission.id, input: '{"n":1}' });
    const again = async () => (await bench.store.submit([submission, withCode])).map(({ status }) => status);
    expect(await again()).toEqual(["existing", "existing"]);
    const worker = await parser(bench, plan);
    await worker.exchange(await reportsOf(worker, await opening(worker), { n: 1 }));
    expect(await again()).toEqual(["existing", "existing"]);
    const other = unparsed(plan, { n: 2 }, { id: submission.id });
    expect((await bench.store.submit([other]))[0]?.status).toBe("conflict");
  });

  test("an input whose parser was lost is handed out again, before its first page and after", async (bench) => {
    const plan = manyEntries(7);
    const submission = unparsed(plan, { n: 1 });
    await bench.store.submit([submission]);
    const serves = [parserOf(plan)];
    const first = await bench.driver(plan, { serves, pageLimit: 3 });
    await opening(first);
    await bench.expire(first.session.id);
    const second = await bench.driver(plan, { serves, pageLimit: 3 });
    const grant = await opening(second);
    expect(grant).toMatchObject({ cursor: 0, lost: 1, values: { ":input": '{"n":1}' } });
    const [page] = await reportsOf(second, grant, { n: 2 });
    await second.exchange([page as Report]);
    await bench.expire(second.session.id);
    const third = await bench.driver(plan, { pageLimit: 3, serves: [...serves, "a"] });
    const rest = await opening(third);
    expect(rest).toMatchObject({ cursor: 3, lost: 2 });
    await third.exchange(await reportsOf(third, rest, "what is sent now counts no more"));
    expect(await bench.value(submission.id, ":input")).toEqual({ n: 2 });
    const steps = await bench.store.listSteps(submission.id, { limit: 100 });
    expect(steps.steps).toHaveLength(7);
  });

  test("a dag without steps ends when its input is parsed, not before", async (bench) => {
    const plan = stepless();
    const submission = unparsed(plan, { n: "1" });
    await bench.store.submit([submission]);
    expect(await bench.runState(submission.id)).toBe("running");
    expect(await checkAll(bench.store)).toEqual([]);
    const worker = await bench.driver(plan, { serves: [parserOf(plan)] });
    await worker.exchange(await reportsOf(worker, await opening(worker), { n: 1 }));
    expect(await bench.runState(submission.id)).toBe("succeeded");
    expect(await bench.value(submission.id, ":input")).toEqual({ n: 1 });
  });

  test("a scheduled run's input is parsed when it begins", async (bench) => {
    for (const plan of [chain(2), stepless()]) {
      const submission = unparsed(plan, {}, { delayMs: 1_000 });
      await bench.store.submit([submission]);
      const worker = await parser(bench, plan);
      expect(await worker.finish()).toBe(0);
      bench.clock.advance(1_000);
      await bench.store.promoteDue(10);
      expect(await bench.runState(submission.id)).toBe("running");
      await worker.exchange(await reportsOf(worker, await opening(worker), { n: 1 }));
      expect(await bench.value(submission.id, ":input")).toEqual({ n: 1 });
      await bench.store.closeSession(worker.session.id);
      await (await bench.driver(plan)).finish();
      expect(await bench.runState(submission.id)).toBe("succeeded");
    }
  });

  test("a run that is cancelled before its input was parsed ends", async (bench) => {
    const plan = diamond();
    const [waiting, held] = [unparsed(plan, {}), unparsed(plan, {})];
    await bench.store.submit([waiting]);
    await bench.store.cancel(waiting.id);
    expect(await bench.runState(waiting.id)).toBe("cancelled");
    await bench.store.submit([held]);
    const worker = await parser(bench, plan);
    const grant = await opening(worker);
    await bench.store.cancel(held.id);
    await worker.exchange(await reportsOf(worker, grant, {}));
    expect(await bench.runState(held.id)).toBe("cancelled");
    expect(await worker.finish()).toBe(0);
  });
}
