import {
  type AnyDag,
  type AnyTask,
  encodeJson,
  entriesOf,
  type FairQueues,
  fairKeyOf,
  followOf,
  type Grant,
  hasKeyedLimits,
  JobbersError,
  type Lease,
  type Located,
  limitUsesOf,
  type PlanIndex,
  type PlanStep,
  parseWith,
  phaseOf,
  queueOf,
  quoted,
  type Report,
  RUN_ADDRESS,
  resolveEdited,
  resolveSource,
  resolveWiring,
  type TaskLog,
  valueKey,
} from "@jobbers/core";
import type { Expander } from "./expander.js";
import { type Finder, type Found, Unfit } from "./finder.js";
import type { Holding, Ledger } from "./ledger.js";
import { type Asker, delayMs, GaveUp, messageOf } from "./persistence.js";
import { failed, type Reply, type Reporter } from "./reporter.js";
import { Final, isBlobTrouble, parseInput } from "./task-io.js";
import type { Values } from "./values.js";
import { pause } from "./waiting.js";

export interface ControlOptions {
  readonly dags: ReadonlyMap<string, AnyDag>;
  readonly tasks: ReadonlyMap<string, AnyTask>;
  /** What says whose turn steps take in some queues, for tasks that say nothing themselves. */
  readonly fairQueues?: FairQueues | undefined;
  readonly finder: Finder;
  readonly expander: Expander;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
  readonly values: Pick<Values, "keep">;
  readonly asker: Asker;
  readonly log: TaskLog;
  /** Room for another control step. */
  readonly onFreed: () => void;
}

/** How often control work is tried where a place of large values is troubled: some seconds apart, a minute in all. */
const BLOB_TRIES = 20;

/** How a piece of control work ended. */
type Outcome = Report | undefined;

/**
 * Control work: what moves runs along without running a task. It needs no slot and calls no handler, only the schema of an
 * inlined dag.
 *
 * - `admit`: judge `when`, and say the keys of limits, and whose turn it takes. - `expand`: lay out a map. - `enter`: start an inlined dag. - `advance`: say what follows.
 */
export class Control {
  readonly #options: ControlOptions;
  #busy = 0;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** How many pieces are under way. */
  get busy(): number {
    return this.#busy;
  }

  /** Starts a piece of control work; never throws. */
  start(grant: Grant): void {
    const holding: Holding = { lease: grant.lease, place: -1, disown: () => {} };
    this.#options.ledger.add(holding);
    this.#busy += 1;
    void this.#run(grant, holding).finally(() => {
      this.#busy -= 1;
      this.#options.onFreed();
    });
  }

  async #run(grant: Grant, holding: Holding): Promise<void> {
    const { finder, reporter, ledger } = this.#options;
    const { lease } = grant;
    let found: Found | undefined;
    let outcome: Outcome;
    try {
      if (lease.address === RUN_ADDRESS) outcome = await this.#patiently(lease, () => this.#openRun(grant));
      else {
        const looked = finder.find(grant);
        const at = looked instanceof Promise ? await looked : looked;
        found = at;
        outcome = await this.#patiently(lease, () => this.#work(grant, at));
      }
      // Nothing is left to say: the lease has ended with the last page.
      if (!outcome) return ledger.remove(holding);
    } catch (thrown) {
      outcome = await this.#unable(grant, found, thrown);
    }
    reporter.last(holding, outcome);
  }

  /** Control work has no policy by which it is tried again: a place of large values that is troubled is given a minute. */
  async #patiently({ run, address: step }: Lease, work: () => Promise<Outcome> | Outcome): Promise<Outcome> {
    const { asker, log } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (thrown) {
        if (!isBlobTrouble(thrown) || tries === BLOB_TRIES) throw thrown;
        if (tries === 1)
          log.warn("a large value is in trouble; trying on", { run, step, error: thrown.message });
      }
      await pause(delayMs(tries + 4, asker.random), asker.signal);
      if (asker.signal.aborted) throw new GaveUp("gave up");
    }
  }

  #work(grant: Grant, found: Found): Promise<Outcome> | Outcome {
    const { lease, phase, cursor } = grant;
    const { step } = found.located;
    switch (phase) {
      case "advance":
        return { type: "advanced", lease, follow: followOf(found.index, found.located, cursor) };
      case "admit":
        return this.#admit(grant, found);
      case "enter":
        return step.kind === "dag" ? this.#enter(grant, found, step) : misfit(step, phase);
      case "expand":
        return step.kind === "map" ? this.#options.expander.expand(grant, found, step) : misfit(step, phase);
      default:
        return misfit(step, phase);
    }
  }

  /**
   * The run itself, handed out as `enter` under its own address: its input where the submitter could not parse it, and the entry
   * steps that did not go along with its submission.
   */
  async #openRun(grant: Grant): Promise<Outcome> {
    const { finder } = this.#options;
    const index = await finder.plan(grant);
    let input = "null";
    if (grant.needs !== "" && grant.cursor === 0) {
      const dag = this.#dagOf(index.plan.name);
      const raw = await finder.inputOf(grant);
      try {
        input = await parsed(dag, JSON.parse(raw ?? "null"), `input of dag ${quoted(dag.name)}`);
        input = await this.#options.values.keep(grant.lease.run, valueKey.input(RUN_ADDRESS), input);
      } catch (thrown) {
        if (thrown instanceof GaveUp || isBlobTrouble(thrown)) throw thrown;
        return failed(grant.lease, undefined, unfitInput(thrown), "invalid-input");
      }
    }
    const { verdict, cause } = await this.#begin(grant, index, { indices: [] }, input);
    if (verdict === "refused") throw cause;
    return undefined;
  }

  /** This worker's version of a dag; its schema parses what was submitted to any version. */
  #dagOf(name: string): AnyDag {
    const dag = this.#options.dags.get(name);
    if (!dag) throw new Unfit("elsewhere", `no dag "${name}" is registered here`);
    return dag;
  }

  /** Judges the `when` of a step, and says which limits depend on its input, and whose turn it takes: its code alone knows their keys. */
  async #admit({ lease, needs, edited }: Grant, found: Found): Promise<Outcome> {
    const { index, located } = found;
    const { step } = located;
    const { when } = step;
    const go = when === undefined || Boolean(await resolveSource(found, when));
    if (!go) return { type: "skipped", lease, follow: followOf(index, located) };
    const task = step.kind === "task" ? this.#options.tasks.get(needs) : undefined;
    const fair = task && fairKeyOf(task, queueOf(step, located.laid), this.#options.fairQueues);
    if (step.kind !== "task" || !task || !hasKeyedLimits(task, fair)) return { type: "admitted", lease };
    try {
      const raw = await (edited ? resolveEdited(found, lease.address) : resolveWiring(found, step.input));
      const input = await parseInput(task, raw);
      return { type: "admitted", lease, limits: limitUsesOf(task, input, fair) };
    } catch (thrown) {
      if (thrown instanceof Final) return failed(lease, found, thrown.thrown, thrown.reason);
      if (
        thrown instanceof JobbersError &&
        (thrown.code === "limit-invalid" || thrown.code === "fair-invalid")
      )
        return failed(lease, found, thrown, "error");
      throw thrown;
    }
  }

  /** Parses the input of an inlined dag and starts its entry steps, page by page under one lease. */
  async #enter(grant: Grant, found: Found, step: PlanStep & { kind: "dag" }): Promise<Outcome> {
    const { index, located } = found;
    const { lease } = grant;
    const dag = step.parses ? this.#dagOf(step.dag) : undefined;
    let input: string;
    try {
      input = await parsed(dag, await resolveWiring(found, step.input), `input of ${step.name}`);
      input = await this.#options.values.keep(lease.run, valueKey.input(lease.address), input);
    } catch (thrown) {
      if (thrown instanceof GaveUp || isBlobTrouble(thrown)) throw thrown;
      return failed(lease, found, thrown, "invalid-input");
    }
    const { verdict, cause } = await this.#begin(grant, index, located, input);
    return verdict === "refused" ? failed(lease, found, cause, "invalid-input") : undefined;
  }

  /** Starts the entry steps of a body, page by page; the lease ends with the last. */
  async #begin(
    { lease, cursor: first }: Grant,
    index: PlanIndex,
    { step: owner, indices, laid }: Partial<Located> & Pick<Located, "indices">,
    input: string,
  ): Promise<Reply> {
    const members = index.members(owner?.name).length;
    const onFailure = index.onFailure(owner?.name) !== undefined;
    for (let cursor = first; ; ) {
      const entries = entriesOf(index, owner, indices, cursor, laid);
      const reply = await this.#options.reporter.step({
        type: "entered",
        lease,
        input,
        members,
        onFailure,
        entries,
      });
      if (reply.verdict !== "accepted" || entries.next === undefined) return reply;
      cursor = entries.next;
    }
  }

  async #unable(grant: Grant, found: Found | undefined, thrown: unknown): Promise<Report> {
    const { finder, log } = this.#options;
    const { lease, phase } = grant;
    if (thrown instanceof GaveUp) return { type: "released", lease };
    if (!(thrown instanceof Unfit && thrown.fate === "elsewhere")) {
      const { run, address: step } = lease;
      log.error(`a step cannot be followed (${phase})`, { run, step, error: messageOf(thrown) });
      // What has settled cannot fail: it goes back, in the hope that another worker can say what follows.
      if (phase !== "advance") return failed(lease, found, thrown, "error");
    }
    await finder.park(asUnfit(thrown), grant);
    return { type: "released", lease };
  }
}

/** The input of a dag's body as JSON text, parsed where there is a dag to do so. */
async function parsed(dag: AnyDag | undefined, raw: unknown, what: string): Promise<string> {
  const value = await parseWith(dag?.input, raw, what);
  return encodeJson(value === undefined ? null : value, what);
}

/** Why a run cannot begin; the code says that its submitter is to blame. */
function unfitInput(thrown: unknown): JobbersError {
  const code = thrown instanceof JobbersError ? thrown.code : "input-invalid";
  return new JobbersError(code, `the input does not fit (${code}): ${messageOf(thrown)}`);
}

function misfit(step: PlanStep, phase: string): never {
  throw new Unfit("never", `step "${step.name}" is handed out to ${phase}, but is to ${phaseOf(step)}`);
}

function asUnfit(thrown: unknown): Unfit {
  return thrown instanceof Unfit ? thrown : new Unfit("elsewhere", String(thrown));
}
