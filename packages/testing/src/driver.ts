import {
  type Exchange,
  type ExchangeReply,
  type Grant,
  type JsonValue,
  type Mail,
  PAGE_LIMIT,
  type Report,
  type Session,
  type StepReason,
  type Store,
  type Wants,
} from "@jobbers/core";
import { type OpeningParts, openingOf } from "./factories.js";
import { createGrantWork, type GrantWork, type SayLimits } from "./grant-work.js";

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
  /** The most things that one page carries; default 500, as the port has it. */
  readonly pageLimit?: number;
  /** How many steps, and how much control work, a round of `finish` takes; default 10. */
  readonly slots?: number;
  /** The keys of keyed limits; default: there are none. */
  readonly limitsOf?: SayLimits;
}

type Result = ExchangeReply["results"][number];

const MAX_ROUNDS = 100_000;

/**
 * Opens a session, and a lane on it.
 *
 * @example
 * const driver = await openDriver(store, { serves: ["a"], script: () => ({ succeed: 1 }) });
 * await driver.finish();
 */
export async function openDriver(store: Store, options: DriverOptions = {}): Promise<Driver> {
  const { script, pageLimit, slots, limitsOf, ...opening } = options;
  return new Driver(store, await store.openSession(openingOf(opening)), options);
}

/**
 * A deterministic worker for tests: it takes steps, runs a scripted handler for each, and reports them with what follows. It never
 * waits and has no timers, so a test decides what happens when.
 */
export class Driver {
  /** What it knows of plans and values. */
  readonly work: GrantWork;
  /** The addresses of all steps whose handler was called, in order. */
  readonly calls: string[] = [];
  /** All mail that arrived. */
  readonly mail: Mail[] = [];
  lastReply: ExchangeReply | undefined;
  readonly #store: Store;
  readonly #script: Script;
  readonly #slots: number;
  readonly #queues: readonly string[];
  #last: Exchange | undefined;

  constructor(
    store: Store,
    readonly session: Session,
    {
      script = ({ address }) => ({ succeed: address }),
      pageLimit = PAGE_LIMIT,
      slots = 10,
      queues,
      limitsOf,
    }: DriverOptions,
  ) {
    this.work = createGrantWork(store, pageLimit, limitsOf);
    this.#store = store;
    this.#script = script;
    this.#slots = slots;
    this.#queues = queues ?? ["default"];
  }

  /** One exchange with the lane's next number; wants nothing but what is asked for. */
  exchange(reports: readonly Report[], wants: Partial<Wants> = {}): Promise<ExchangeReply> {
    const seq = (this.#last?.seq ?? 0) + 1;
    const all = { slots: 0, control: 0, queues: this.#queues, inline: false, ...wants };
    return this.#send({ session: this.session.id, lane: 0, seq, reports, wants: all });
  }

  /** The last exchange once more, with the same number. */
  async replay(): Promise<ExchangeReply> {
    if (!this.#last) throw new Error("there was no exchange to replay");
    return this.#send(this.#last);
  }

  /** Takes steps to run; control work is done along the way until there is none. */
  async take(slots = 1): Promise<Grant[]> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const found = await this.takeControl();
      if (found.length === 0) return this.#grants([], { slots });
      for (const grant of found) await this.control(grant);
    }
    throw new Error("the control work never ends");
  }

  /** Takes control work, at most so much, and does not do it. */
  takeControl(control = 10): Promise<Grant[]> {
    return this.#grants([], { control });
  }

  /** Does the control work of one grant; what came of its last report. */
  async control(grant: Grant): Promise<Result | undefined> {
    const reports = await this.work.control(grant, this.session.id);
    return reports.length === 0 ? undefined : (await this.exchange(reports)).results.at(-1);
  }

  /** Reports a step as succeeded. */
  async succeed(grant: Grant, output?: JsonValue): Promise<Result> {
    return this.#report(await this.success(grant, output));
  }

  /** Reports a step as failed for good. */
  async fail(grant: Grant, message?: string): Promise<Result> {
    return this.#report(await this.failure(grant, message));
  }

  /** Reports that a step is to be tried again. */
  retry({ lease }: Grant, delayMs = 0): Promise<Result> {
    return this.#report({ type: "retry", lease, error: errorText("again"), reason: "error", delayMs });
  }

  /** The report with which a step succeeds, to be sent by the test. */
  async success(grant: Grant, output: JsonValue = null): Promise<Report> {
    const follow = await this.work.followOf(grant);
    return { type: "succeeded", lease: grant.lease, output: JSON.stringify(output), follow };
  }

  /** The report with which a step fails, to be sent by the test. */
  async failure(grant: Grant, message = "failed", reason: StepReason = "error"): Promise<Report> {
    const follow = await this.work.followOf(grant);
    return { type: "failed", lease: grant.lease, error: errorText(message), reason, follow };
  }

  /** Runs rounds until there is nothing to take: every step goes as the script says. Answers how many steps it ran. */
  async finish(): Promise<number> {
    const before = this.calls.length;
    const wants = { slots: this.#slots, control: this.#slots, inline: true };
    let reports: Report[] = [];
    // What an exchange cancels as it pops may leave control work for the next one.
    for (let round = 0, idle = 0; round < MAX_ROUNDS; round++) {
      const found = await this.#grants(reports, wants);
      reports = [];
      for (const grant of found) reports.push(...(await this.#act(grant)));
      idle = found.length === 0 ? idle + 1 : 0;
      if (idle === 2) return this.calls.length - before;
    }
    throw new Error("the run never ends");
  }

  async #send(exchange: Exchange): Promise<ExchangeReply> {
    this.#last = exchange;
    const reply = await this.#store.exchange(exchange);
    this.lastReply = reply;
    this.mail.push(...reply.mail);
    return reply;
  }

  async #report(report: Report): Promise<Result> {
    return (await this.exchange([report])).results[0] as Result;
  }

  /** What is granted in one go: many dropped entries may hide more. */
  async #grants(reports: readonly Report[], wants: Partial<Wants>): Promise<Grant[]> {
    let reply = await this.exchange(reports, wants);
    while (reply.more && reply.grants.length === 0) reply = await this.exchange([], wants);
    return [...reply.grants];
  }

  /** Does what a grant is for; answers what to report. */
  async #act(grant: Grant): Promise<Report[]> {
    if (grant.phase !== "run") return this.work.control(grant, this.session.id);
    const { lease, tries, lost, needs: task } = grant;
    this.calls.push(lease.address);
    const act = this.#script({ ...lease, task, tries, lost, input: await this.work.inputOf(grant) });
    if (act === "hold") return [];
    if ("succeed" in act) return [await this.success(grant, act.succeed)];
    if ("fail" in act) return [await this.failure(grant, act.fail, act.reason)];
    const { retry, delayMs = 0 } = act;
    return [{ type: "retry", lease, error: errorText(retry), reason: "error", delayMs }];
  }
}

/** An error's JSON text, as workers write it, without its stack. */
export function errorText(message: string): string {
  return JSON.stringify({ name: "Error", message });
}
