import { JobbersError } from "../errors/errors.js";
import { planVersion } from "../plan/version.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";
import { Definition } from "./definition.js";
import { currentDefinition } from "./definition-stack.js";
import type { AnyDag, Checked, Dag, DagOptions, In, Parsed, Schema } from "./face.js";
import { checkMissing } from "./missing.js";
import { once } from "./once.js";
import { writePlan } from "./plan-writing.js";
import type { Ref, Resolve, Wirable } from "./ref-types.js";
import type { Spread } from "./spread.js";
import { checkOptions, checkSchema, checkTags, checkTimeout } from "./step-options.js";

const dagOptions = ["input", "failure", "onFailure", "deadline", "tags"];

/**
 * Defines a dag: `build` is called once, now, with a ref of the input, and the steps that it adds make the plan.
 *
 * What `build` returns is the run's output. The function must not be async: it only wires steps together.
 *
 * @throws JobbersError `definition-invalid` or `name-invalid`, naming the dag, the step and the path
 * @example
 * const crawl = dag("crawl", { input: z.object({ sitemap: z.url() }) }, ({ sitemap }) => {
 *   const urls = readSitemap({ sitemap });
 *   const pages = urls.map((url) => fetchPage({ url }));
 *   return buildIndex({ pages });
 * });
 */
export function dag<S extends Schema | undefined = undefined, const W extends Wirable = Wirable>(
  name: string,
  options: DagOptions<S>,
  build: (input: Ref<Checked<Parsed<S>>>) => W,
): Dag<Checked<In<S>>, Resolve<W>> {
  const what = `dag ${quoted(checkName(name, "dag name"))}`;
  const { input, failure = "stop", onFailure, deadline, tags } = checkOptions(options, dagOptions, what);
  checkSchema(input, `${what}: input`);
  checkFunctions(build, onFailure, what);
  if (failure !== "stop" && failure !== "continue") {
    throw new JobbersError(
      "definition-invalid",
      `${what}: failure is ${quoted(failure)}; it takes "stop" or "continue"`,
    );
  }
  const deadlineMs = deadline === undefined ? undefined : checkTimeout(deadline, `${what}: deadline`);
  const definition = new Definition(name, failure, deadlineMs);
  definition.build(build as (input: Ref<unknown>) => unknown);
  if (onFailure) definition.buildOnFailure(onFailure as Parameters<Definition["buildOnFailure"]>[0]);
  checkMissing(definition);
  const { tasks, dags } = definition;
  return createDag(
    { name, input, tasks, dags, tags: checkTags(tags, what), spreads: spreadsOf(definition) },
    definition,
  );
}

function checkFunctions(build: unknown, onFailure: unknown, what: string): void {
  if (typeof build !== "function") {
    throw new JobbersError(
      "definition-invalid",
      `${what} has no build function; write dag(name, options, (input) => …)`,
    );
  }
  if (onFailure !== undefined && typeof onFailure !== "function") {
    throw new JobbersError(
      "definition-invalid",
      `${what}: onFailure is ${quoted(onFailure)}; it takes a build function`,
    );
  }
}

function createDag<D>(parts: Omit<AnyDag, "kind" | "plan" | "version">, definition: Definition): D {
  const plan = writePlan(definition);
  const version = once(() => planVersion(plan));
  const self = (input: unknown, options: unknown) => {
    const outer = currentDefinition();
    if (outer) return outer.addDag(self as unknown as AnyDag, input, options);
    const how = "call it inside another dag(), or submit it as a run";
    throw new JobbersError(
      "definition-invalid",
      `dag ${quoted(parts.name)} is called outside a dag(); ${how}`,
    );
  };
  const values = { kind: "dag", plan, ...parts };
  for (const [key, value] of Object.entries(values)) {
    Object.defineProperty(self, key, { value, enumerable: true, configurable: true });
  }
  Object.defineProperty(self, "version", { get: version, enumerable: true });
  return self as unknown as D;
}

function spreadsOf(definition: Definition): Map<string, Spread<never>> {
  const spreads = new Map<string, Spread<never>>();
  for (const step of definition.steps) {
    if (step.kind === "map" && step.spread) spreads.set(step.name, step.spread);
    if (step.kind !== "dag") continue;
    for (const [name, spread] of step.dag.spreads) spreads.set(`${step.name}/${name}`, spread);
  }
  return spreads;
}
