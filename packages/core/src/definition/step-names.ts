import { JobbersError } from "../errors/errors.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";

/**
 * The names of one dag's steps.
 *
 * The first unnamed call of `add` is `add`, later ones `add~2`, `add~3`, in call order over the whole dag. A name given by
 * the user is taken as it is. A map is named after the step that its body returns plus `[]`; where the body returns no step
 * of its own (a literal, an object, a ref from outside), after the body's last step; where it has no steps, `map[]`,
 * `map~2[]`. Names that users give cannot contain `~`, `[` or `/`, so rules never meet in one name.
 */
export class StepNames {
  readonly #counts = new Map<string, number>();
  readonly #taken = new Map<string, string>();

  constructor(
    private readonly dagName: string,
    private readonly prefix = "",
  ) {}

  /** The name of a call of the task or dag `base`; `label` names the call in messages. */
  ofCall(base: string, given: unknown, label: string): string {
    const local =
      given === undefined ? this.#count(base) : checkName(given, `dag ${quoted(this.dagName)}: step name`);
    return this.#take(local, label);
  }

  /** The name of a map, once its body has returned; `after` is the full name of the step that it is named after. */
  ofMap(after: string | undefined, given: unknown, label: string): string {
    if (given !== undefined) return this.ofCall("", given, label);
    const local = after === undefined ? this.#count("map") : after.slice(this.prefix.length);
    return this.#take(`${local}[]`, label);
  }

  #count(base: string): string {
    const count = (this.#counts.get(base) ?? 0) + 1;
    this.#counts.set(base, count);
    return count === 1 ? base : `${base}~${count}`;
  }

  #take(local: string, label: string): string {
    const name = this.prefix + local;
    const other = this.#taken.get(name);
    if (other !== undefined) {
      const both = `${other} and ${label} are both named ${quoted(name)}`;
      throw new JobbersError(
        "definition-invalid",
        `dag ${quoted(this.dagName)}: ${both}; give one another { name }`,
      );
    }
    this.#taken.set(name, label);
    return name;
  }
}
