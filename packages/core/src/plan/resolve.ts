import { JobbersError } from "../errors/errors.js";
import { PAGE_LIMIT } from "../store/step-spec.js";
import { createItems, type Items, itemsOf } from "../values/items.js";
import { quoted } from "../values/quoted.js";
import { MAX_VALUE_BYTES, showBytes } from "../values/size.js";
import { addressOf, RUN_ADDRESS, type StepAddress, valueKey } from "./address.js";
import { sourceKey, wiringKeys } from "./graph.js";
import type { JsonValue, MapStep, Path, PlanStep, Source, TaskStep, Wiring } from "./plan.js";
import type { PlanIndex } from "./plan-index.js";

/** A value put together from a run's values; `undefined` is a value that is missing. */
export type Resolved = unknown;

type Texts = Readonly<Record<string, string | null>>;

/** Answers the JSON texts behind keys (see `valueKey`), `null` where there is none: at once where they are at hand. */
export type ReadValues = (keys: readonly string[]) => Texts | Promise<Texts>;

/** Where values are resolved: in which plan, inside which instances of its maps, and how values are read. */
export interface Scene {
  readonly index: PlanIndex;
  readonly indices: readonly number[];
  /** Values that are at hand, by key: only others are read. */
  readonly known?: Texts | undefined;
  read(keys: readonly string[]): Texts | Promise<Texts>;
  /** How large a list that is put together from a map's results may get, in characters of JSON; default 16 Mi. */
  readonly maxChars?: number | undefined;
}

/** The same scene, inside other instances of its maps. */
function inside(scene: Scene, indices: readonly number[], read?: ReadValues): Scene {
  const { index, known, maxChars } = scene;
  return { index, indices, known, read: read ?? ((keys) => scene.read(keys)), maxChars };
}

/** Reads from values that are at hand, and asks only for those that are not. */
export function readThrough(known: Readonly<Record<string, string | null>>, read: ReadValues): ReadValues {
  return async (keys) => {
    const missing = keys.filter((key) => !Object.hasOwn(known, key));
    return missing.length === 0 ? known : { ...known, ...(await read(missing)) };
  };
}

/**
 * Puts a wiring together: its literal, each hole filled from its source. A missing value leaves its property out. Answers a promise
 * only where something has to be read first: most steps have all that they need with their grant, and there are many of them.
 *
 * Paths go through null like `?.`; a map's output is read in pages of 500 instances.
 *
 * @throws JobbersError `value-too-large` where a map's results make a list that is larger than one value may be; what `read` throws
 */
export function resolveWiring(scene: Scene, wiring: Wiring): Resolved | Promise<Resolved> {
  const { value, wires } = wiring;
  return wires.length === 0 ? value : fill(scene, wires, 0, copyJson(value));
}

/** The input that a retry by hand gave a step; a promise of it where it has to be read. */
export function resolveEdited(scene: Scene, address: StepAddress): Resolved | Promise<Resolved> {
  return readOne(scene, valueKey.edited(address));
}

function fill(
  scene: Scene,
  wires: Wiring["wires"],
  from: number,
  value: Resolved,
): Resolved | Promise<Resolved> {
  let filled = value;
  for (let i = from; i < wires.length; i++) {
    const { at, source } = wires[i] as Wiring["wires"][number];
    const part = resolveSource(scene, source);
    if (part instanceof Promise) return fillLater(scene, wires, i, filled, part);
    filled = place(filled, at, part);
  }
  return filled;
}

/** Apart from {@link fill}, which would pay for what this function catches although it hardly ever comes to it. */
function fillLater(
  scene: Scene,
  wires: Wiring["wires"],
  i: number,
  value: Resolved,
  part: Promise<Resolved>,
): Promise<Resolved> {
  const { at } = wires[i] as Wiring["wires"][number];
  return part.then((resolved) => fill(scene, wires, i + 1, place(value, at, resolved)));
}

/** The value of one source, `undefined` where it is missing; a promise of it where it has to be read. */
export function resolveSource(scene: Scene, source: Source): Resolved | Promise<Resolved> {
  switch (source.from) {
    case "index": {
      const depth = scene.index.maps(scene.index.step(source.of)).length;
      return walk(scene.indices[depth], source.path);
    }
    case "step":
      return resolveStep(scene, source.step, source.path);
    case "or":
    case "eq":
    case "not":
      return resolveTerm(scene, source);
    case "items":
      return resolveItems(scene, source.args[0] as Wiring);
    default: {
      const value = readOne(scene, sourceKey(scene.index, source, scene.indices));
      return value instanceof Promise ? walkLater(value, source.path) : walk(value, source.path);
    }
  }
}

async function resolveTerm(
  scene: Scene,
  source: Extract<Source, { from: "or" | "eq" | "not" }>,
): Promise<Resolved> {
  const [a, b] = source.args as [Wiring, Wiring];
  const first = await resolveWiring(scene, a);
  switch (source.from) {
    case "or":
      return walk(first ?? (await resolveWiring(scene, b)), source.path);
    case "eq":
      return walk(sameJson(first, await resolveWiring(scene, b)), source.path);
    case "not":
      return walk(!first, source.path);
  }
}

function resolveStep(scene: Scene, name: string, path: Path): Resolved | Promise<Resolved> {
  const { index } = scene;
  const step = index.step(name);
  const indices = indicesAround(scene, step);
  const own = readOne(scene, addressOf(index, step, indices));
  if (step.kind === "task") return own instanceof Promise ? walkLater(own, path) : walk(own, path);
  return resolveWhole(inside(scene, indices), step, own, path);
}

/** The indices of those maps around a scene that a step stands in, too. */
function indicesAround({ index, indices }: Scene, step: PlanStep): readonly number[] {
  return indices.length === 0 ? indices : indices.slice(0, index.maps(step).length);
}

async function resolveWhole(
  scene: Scene,
  step: Exclude<PlanStep, TaskStep>,
  value: Resolved | Promise<Resolved>,
  path: Path,
): Promise<Resolved> {
  const own = await value;
  return own === undefined ? undefined : await resolveBody(scene, step, own, path);
}

/** What an inlined dag or a map has put out, whose own value is `own`. */
async function resolveBody(
  scene: Scene,
  step: Exclude<PlanStep, TaskStep>,
  own: Resolved,
  path: Path,
): Promise<Resolved> {
  // Inlined dags and maps keep no copy of their output: it is what their bodies' steps answered.
  if (step.kind === "dag") return walk(await resolveWiring(scene, step.output), path);
  const [first, ...rest] = path;
  if (first === "length") return walk(own, rest);
  if (first === undefined) return resolveInstances(scene, step, 0, own as number);
  const at = Number(first) < 0 ? (own as number) + Number(first) : Number(first);
  if (!Number.isInteger(at) || at < 0 || at >= (own as number)) return undefined;
  const [item] = await resolveInstances(scene, step, at, at + 1);
  return walk(item, rest);
}

/** The outputs of instances `from` to `to` of a map, as one list. */
async function resolveInstances(scene: Scene, map: MapStep, from: number, to: number): Promise<Resolved[]> {
  const output: Resolved[] = [];
  const { maxChars = MAX_VALUE_BYTES } = scene;
  let chars = 0;
  for await (const page of pagesOf(scene, map, from, to)) {
    chars += page.chars;
    if (chars > maxChars && to - from > 1) {
      const what = `the results of ${quoted(map.name)}, ${to - from} in all, make a list of more than ${showBytes(maxChars)}`;
      throw new JobbersError(
        "value-too-large",
        `${what}; take them one by one, by items() in the dag or run.items()`,
      );
    }
    for (const each of page.outputs) output.push(each);
  }
  return output;
}

/** How many characters of values a page of instances is to have. */
const PAGE_CHARS = 1024 * 1024;

/**
 * The outputs of instances of a map, page by page: their keys are read together. Pages begin small and grow as long as what they
 * read is small, so that neither a store nor a reader has many large values at a time.
 */
async function* pagesOf(scene: Scene, map: MapStep, from: number, to: number) {
  const { index, indices } = scene;
  const keysEach = Math.max(1, wiringKeys(index, map.output, [...indices, 0]).length);
  const most = Math.max(1, Math.floor(PAGE_LIMIT / keysEach));
  let size = Math.min(most, FIRST_PAGE);
  for (let at = from; at < to; ) {
    const page = Array.from({ length: Math.min(size, to - at) }, (_, i) => [...indices, at + i]);
    const values = await readAll(scene, [
      ...new Set(page.flatMap((at) => wiringKeys(index, map.output, at))),
    ]);
    const read = readThrough(values, (keys) => scene.read(keys));
    const outputs: Resolved[] = [];
    for (const at of page) outputs.push(await resolveWiring(inside(scene, at, read), map.output));
    const chars = Object.values(values).reduce((sum, text) => sum + (text?.length ?? 0), 0);
    yield { outputs, chars };
    at += page.length;
    size = Math.max(
      1,
      Math.min(most, 4 * page.length, Math.floor((PAGE_CHARS * page.length) / Math.max(1, chars))),
    );
  }
}

/** How many instances a first page has. */
const FIRST_PAGE = 32;

/**
 * A list that is read page by page, for `items()`: what a map answers, also behind `orElse` and inside a dag; any other list is
 * small enough to be held. `undefined` where it is missing.
 */
export async function resolveItems(
  scene: Scene,
  wiring: Wiring,
  refuse = refuseNoList,
): Promise<Items<Resolved> | undefined> {
  const [wire] = wiring.wires;
  if (wire?.at.length === 0 && wire.source.path.length === 0) {
    const { source } = wire;
    if (source.from === "or") {
      const [first, otherwise] = source.args as [Wiring, Wiring];
      return (await resolveItems(scene, first, refuse)) ?? (await resolveItems(scene, otherwise, refuse));
    }
    if (source.from === "step") {
      const paged = await pagedOutput(scene, source.step, refuse);
      if (paged !== "whole") return paged;
    }
  }
  const list = await resolveWiring(scene, wiring);
  if (list === undefined || list === null) return undefined;
  return Array.isArray(list) ? itemsOf(list as Resolved[]) : refuse(list);
}

function refuseNoList(value: Resolved): never {
  throw new JobbersError(
    "input-invalid",
    `items() needs a list, but what it is over is of type ${typeof value}`,
  );
}

async function pagedOutput(
  scene: Scene,
  name: string,
  refuse: typeof refuseNoList,
): Promise<Items<Resolved> | undefined | "whole"> {
  const { index } = scene;
  const step = index.step(name);
  if (step.kind === "task") return "whole";
  const around = inside(scene, indicesAround(scene, step));
  const own = await readOne(scene, addressOf(index, step, around.indices));
  if (own === undefined) return undefined;
  if (step.kind === "dag") return resolveItems(around, step.output, refuse);
  return createItems(own as number, async function* (from) {
    for await (const { outputs } of pagesOf(around, step, from, own as number)) yield* outputs;
  });
}

async function readAll(scene: Scene, keys: readonly string[]): Promise<Record<string, string | null>> {
  const all: Record<string, string | null> = {};
  for (let at = 0; at < keys.length; at += PAGE_LIMIT)
    Object.assign(all, await scene.read(keys.slice(at, at + PAGE_LIMIT)));
  return all;
}

function readOne(scene: Scene, key: string): Resolved | Promise<Resolved> {
  const { known } = scene;
  if (known !== undefined && Object.hasOwn(known, key)) return parsed(known[key]);
  const texts = scene.read([key]);
  return texts instanceof Promise ? valueLater(texts, key) : parsed(texts[key]);
}

async function valueLater(texts: Promise<Texts>, key: string): Promise<Resolved> {
  return parsed((await texts)[key]);
}

function parsed(text: string | null | undefined): Resolved {
  return text === null || text === undefined ? undefined : (JSON.parse(text) as JsonValue);
}

async function walkLater(value: Promise<Resolved>, path: Path): Promise<Resolved> {
  return walk(await value, path);
}

/**
 * A literal, copied for each step: in a tenth of the time that `structuredClone` takes for a small one. Plans are nested no deeper than a
 * thousand levels, and have no key `__proto__`.
 */
function copyJson(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson);
  // Copies of one literal are of one hidden class, and most have nothing nested.
  const copy: Record<string, JsonValue> = { ...(value as Record<string, JsonValue>) };
  for (const key in copy) {
    const part = copy[key] as JsonValue;
    if (typeof part === "object" && part !== null) copy[key] = copyJson(part);
  }
  return copy;
}

/** Follows a path into a value; whatever is not there is `undefined`. */
export function walk(value: Resolved, path: Path): Resolved {
  let at = value;
  for (const key of path) {
    if (at === null || at === undefined) return undefined;
    if (Array.isArray(at) && typeof key === "number") at = at.at(key);
    else at = Object.hasOwn(Object(at), key) ? (at as Record<string | number, Resolved>)[key] : undefined;
  }
  return at;
}

function place(root: Resolved, path: Path, value: Resolved): Resolved {
  if (path.length === 0) return value;
  let at = root as Record<string | number, Resolved>;
  const end = path.length - 1;
  for (let i = 0; i < end; i++) at = at[path[i] as string | number] as Record<string | number, Resolved>;
  const last = path[end] as string | number;
  if (value === undefined && !Array.isArray(at)) delete at[last];
  else at[last] = value;
  return root;
}

function sameJson(a: Resolved, b: Resolved): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) &&
        sameJson((a as Record<string, Resolved>)[key], (b as Record<string, Resolved>)[key]),
    )
  );
}

/** The scene of a whole run: where its output is put together. */
export function runScene(index: PlanIndex, read: ReadValues): Scene {
  return { index, indices: [], read };
}

/** The key of a run's own input. */
export const RUN_INPUT = valueKey.input(RUN_ADDRESS);
