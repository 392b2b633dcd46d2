import type {
  Exchange,
  ExchangeReply,
  Grant,
  JsonValue,
  Mail,
  Report,
  Session,
  StepReason,
  Store,
  Wants,
} from "@jobbers/core";
import { type OpeningParts, openingOf } from "./factories.js";
import { createGrantWork, type GrantWork } from "./grant-work.js";

/**
 * A deterministic worker for tests, one call at a time: it takes steps, runs a scripted handler for each, and reports them with
 * what follows. It never waits and has no timers, so a test decides what happens when.
 */

/** What a scripted handler sees. */
export interface Call {
  readonly run: string;
  readonly address: string;
  readonly task: string;
  readonly input: unknown;
  readonly tries: number;
  readonly lost: number;
  readonly fence: number;
}

/** What becomes of a step: it succeeds, fails, is due again after a delay, or is never reported. */
export type Act =
  | { readonly succeed: JsonValue }
  | { readonly fail: string; readonly reason?: StepReason }
  | { readonly retry: string; readonly delayMs?: number }
  | "hold";

/** Decides what becomes of a step. */
export type Script = (call: Call) => Act;

/** How a driver is opened. */
export interface DriverOptions extends OpeningParts {
  /** Default: every step succeeds with its own address. */
  readonly script?: Script;
  readonly pageLimit?: number;
  /** How many steps a round takes; default 10. */
  readonly slots?: number;
}

/** A test's worker: one session, one lane. */
export interface Driver {
  readonly session: Session;
  readonly work: GrantWork;
  /** The addresses of all steps whose handler was called, in order. */
  readonly calls: string[];
  /** All mail that arrived. */
  readonly mail: Mail[];
  readonly lastReply: ExchangeReply | undefined;
  /** One exchange with the lane's next number. */
  exchange(reports: readonly Report[], wants?: Partial<Wants>): Promise<ExchangeReply>;
  /** The last exchange once more, with the same number. */
  replay(): Promise<ExchangeReply>;
  /** Takes steps to run; control work is done along the way until there is none. */
  take(slots?: number): Promise<Grant[]>;
  /** Takes control work, at most so much, and does not do it. */
  takeControl(control?: number): Promise<Grant[]>;
  /** Does the control work of one grant; what came of its last report. */
  control(grant: Grant): Promise<"accepted" | "stale" | undefined>;
  succeed(grant: Grant, output?: JsonValue): Promise<"accepted" | "stale">;
  fail(grant: Grant, message?: string): Promise<"accepted" | "stale">;
  retry(grant: Grant, delayMs?: number): Promise<"accepted" | "stale">;
  /** The report with which a step succeeds, to be sent later or by another. */
  success(grant: Grant, output?: JsonValue): Promise<Report>;
  failure(grant: Grant, message?: string, reason?: StepReason): Promise<Report>;
  /** Runs rounds until there is nothing to take: every step goes as the script says. Answers how many steps it ran. */
  finish(): Promise<number>;
}

const NO_WANTS: Wants = { slots: 0, control: 0, queues: [], inline: false };
const MAX_ROUNDS = 100_000;

/**
 * Opens a session and a lane on it.
 *
 * @example
 * const driver = await openDriver(store, { serves: ["a"], script: () => ({ succeed: 1 }) });
 * await driver.finish();
 */
export async function openDriver(store: Store, options: DriverOptions = {}): Promise<Driver> {
  const {
    script = (call) => ({ succeed: call.address }),
    pageLimit,
    slots: roomy = 10,
    ...opening
  } = options;
  const queues = opening.queues ?? ["default"];
  const session = await store.openSession(openingOf(opening));
  const work = createGrantWork(store, pageLimit);
  const calls: string[] = [];
  const mail: Mail[] = [];
  let seq = 0;
  let last: Exchange | undefined;
  let lastReply: ExchangeReply | undefined;

  const send = async (exchange: Exchange) => {
    last = exchange;
    const reply = await store.exchange(exchange);
    lastReply = reply;
    mail.push(...reply.mail);
    return reply;
  };
  const exchange: Driver["exchange"] = (reports, wants = {}) =>
    send({ session: session.id, lane: 0, seq: ++seq, reports, wants: { ...NO_WANTS, queues, ...wants } });
  const reportOne = async (report: Report) => (await exchange([report])).results[0] as "accepted" | "stale";

  const success: Driver["success"] = async (grant, output = null) => ({
    type: "succeeded",
    lease: grant.lease,
    output: JSON.stringify(output),
    follow: await work.followOf(grant),
  });
  const failure: Driver["failure"] = async (grant, message = "failed", reason = "error") => ({
    type: "failed",
    lease: grant.lease,
    error: errorText(message),
    reason,
    follow: await work.followOf(grant),
  });

  const control: Driver["control"] = async (grant) => {
    const reports = await work.control(grant, session.id);
    return reports.length === 0 ? undefined : (await exchange(reports)).results.at(-1);
  };
  /** What is granted in one go: dropped entries may hide more. */
  const grants = async (reports: readonly Report[], wants: Partial<Wants>) => {
    let reply = await exchange(reports, wants);
    for (let i = 0; reply.more && reply.grants.length === 0 && i < MAX_ROUNDS; i++)
      reply = await exchange([], wants);
    return reply.grants;
  };

  const act = async (grant: Grant): Promise<Report[]> => {
    if (grant.phase !== "run") return work.control(grant, session.id);
    const { run, address, fence } = grant.lease;
    calls.push(address);
    const { tries, lost, needs: task } = grant;
    const done = script({ run, address, fence, task, tries, lost, input: await work.inputOf(grant) });
    if (done === "hold") return [];
    if ("succeed" in done) return [await success(grant, done.succeed)];
    if ("fail" in done) return [await failure(grant, done.fail, done.reason)];
    const { retry, delayMs = 0 } = done;
    return [{ type: "retry", lease: grant.lease, error: errorText(retry), reason: "error", delayMs }];
  };

  return {
    session,
    work,
    calls,
    mail,
    get lastReply() {
      return lastReply;
    },
    exchange,
    replay: () => {
      if (!last) throw new Error("there was no exchange to replay");
      return send(last);
    },
    async take(slots = 1) {
      for (let i = 0; i < MAX_ROUNDS; i++) {
        const found = await grants([], { slots: 0, control: 10 });
        if (found.length === 0) return [...(await grants([], { slots }))];
        for (const grant of found) await control(grant);
      }
      throw new Error("the control work never ends");
    },
    takeControl: async (most = 10) => [...(await grants([], { control: most }))],
    control,
    succeed: async (grant, output) => reportOne(await success(grant, output)),
    fail: async (grant, message) => reportOne(await failure(grant, message)),
    retry: (grant, delayMs = 0) =>
      reportOne({ type: "retry", lease: grant.lease, error: errorText("again"), reason: "error", delayMs }),
    success,
    failure,
    async finish() {
      const before = calls.length;
      let reports: Report[] = [];
      // What an exchange cancels as it pops may leave control work for the next one.
      for (let i = 0, idle = 0; i < MAX_ROUNDS; i++) {
        const found = await grants(reports, { slots: roomy, control: roomy, inline: true });
        reports = [];
        for (const grant of found) reports.push(...(await act(grant)));
        idle = found.length === 0 ? idle + 1 : 0;
        if (idle === 2) return calls.length - before;
      }
      throw new Error("the run never ends");
    },
  };
}

/** An error's JSON text, as workers write it. */
export function errorText(message: string): string {
  return JSON.stringify({ name: "Error", message });
}
