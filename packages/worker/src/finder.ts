import {
  type Grant,
  type Located,
  locate,
  type PlanIndex,
  RUN_ADDRESS,
  type Scene,
  type TaskLog,
  valueKey,
} from "@jobbers/core";
import { type Asker, messageOf, untilAnswered } from "./persistence.js";
import type { Plans } from "./plans.js";
import type { Values } from "./values.js";
import { pause } from "./waiting.js";

/** How long a step that this worker cannot follow is kept before it is given back, so that it does not go round in circles. */
const PARK_MS = 5_000;

/** A granted step as its plan has it, and the scene in which its values are read. */
export class Found implements Scene {
  constructor(
    readonly index: PlanIndex,
    readonly located: Located,
    private readonly grant: Grant,
    private readonly values: Values,
    readonly maxChars: number | undefined,
  ) {}

  get indices(): readonly number[] {
    return this.located.indices;
  }

  get known(): Grant["values"] {
    return this.grant.values;
  }

  read(keys: readonly string[]) {
    return this.values.read(this.grant.lease.run, keys, this.grant.values);
  }
}

/** The worker cannot follow a step: `elsewhere` when another worker may, `never` when its plan does not have it. */
export class Unfit extends Error {
  override readonly name = "Unfit";
  constructor(
    readonly fate: "elsewhere" | "never",
    message: string,
  ) {
    super(message);
  }
}

/** Looks granted steps up in their plans. */
export class Finder {
  readonly #told = new Set<string>();

  constructor(
    private readonly plans: Plans,
    private readonly values: Values,
    private readonly asker: Asker,
    /** Aborts when the worker stops: then nothing is kept back any more. */
    private readonly stopping: AbortSignal,
    /** How large a list that is put together from a map's results may be, in characters of JSON. */
    private readonly maxChars?: number,
  ) {}

  /** The plan of a grant; rejects with {@link Unfit}. */
  async plan(grant: Grant): Promise<PlanIndex> {
    return this.plans.peek(grant.plan) ?? (await this.#fetch(grant));
  }

  /** The input of a run that nobody has parsed yet: read anew, for it does not stay. */
  async inputOf({ lease: { run }, values }: Grant): Promise<string | null> {
    const key = valueKey.input(RUN_ADDRESS);
    return values[key] ?? (await this.values.readOnce(run, key));
  }

  /** Throws {@link Unfit}, or rejects with it; synchronous where the plan is at hand. */
  find(grant: Grant): Found | Promise<Found> {
    const index = this.plans.peek(grant.plan);
    return index ? this.#found(index, grant) : this.#findLater(grant);
  }

  /** Holds a step back for a while that is to be given back because this worker cannot follow it. */
  async park(unfit: Unfit, grant: Grant): Promise<void> {
    this.#tellOnce(this.asker.log, unfit, grant);
    await pause(PARK_MS, this.stopping);
  }

  async #findLater(grant: Grant): Promise<Found> {
    return this.#found(await this.#fetch(grant), grant);
  }

  async #fetch(grant: Grant): Promise<PlanIndex> {
    const { plan } = grant;
    const text = await untilAnswered("getPlan", () => this.plans.fetch(plan), this.asker);
    if (text === undefined) throw new Unfit("elsewhere", `the store does not have plan ${plan}`);
    try {
      return this.plans.learn(plan, text);
    } catch (error) {
      throw new Unfit("elsewhere", `plan ${plan} cannot be read: ${messageOf(error)}`);
    }
  }

  #found(index: PlanIndex, grant: Grant): Found {
    let located: Located;
    try {
      located = locate(index, grant.lease.address);
    } catch (error) {
      throw new Unfit("never", messageOf(error));
    }
    if (grant.laid !== undefined) located = { ...located, laid: grant.laid };
    return new Found(index, located, grant, this.values, this.maxChars);
  }

  #tellOnce(log: TaskLog, { message }: Unfit, { lease, plan }: Grant): void {
    if (this.#told.has(message)) return;
    if (this.#told.size > 100) this.#told.clear();
    this.#told.add(message);
    log.error(`a step is given back because this worker cannot follow it: ${message}`, {
      ...{ run: lease.run, step: lease.address, plan },
    });
  }
}
