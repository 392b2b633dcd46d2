import {
  type MapStep,
  type PlanIndex,
  readShares,
  type SpreadSummary,
  type StepAddress,
  type Store,
  summarizeSpread,
  valueKey,
} from "@jobbers/core";

/** How many values one call reads. */
const PAGE = 500;

/** How the maps of a run that stand in no other map were laid over queues, by plan name: those of which something was laid out. */
export async function readSpreads(
  store: Pick<Store, "readValues">,
  run: string,
  index: PlanIndex,
): Promise<Map<string, SpreadSummary>> {
  const maps = index.plan.steps.filter(
    (step): step is MapStep => step.kind === "map" && !!step.spread && index.maps(step).length === 0,
  );
  const spreads = new Map<string, SpreadSummary>();
  for (let at = 0; at < maps.length; at += PAGE) {
    const page = maps.slice(at, at + PAGE);
    const texts = await store.readValues(
      run,
      page.map(({ name }) => valueKey.spread(name)),
    );
    for (const { name, spread } of page) {
      const text = texts[valueKey.spread(name)];
      if (spread && text) spreads.set(name, summarizeSpread(spread, readShares(text)));
    }
  }
  return spreads;
}

/** How one map was laid over queues; undefined where it has no spread, or nothing of it was laid out. */
export async function readSpread(
  store: Pick<Store, "readValues">,
  run: string,
  { spread }: MapStep,
  address: StepAddress,
): Promise<SpreadSummary | undefined> {
  const key = valueKey.spread(address);
  const text = spread && (await store.readValues(run, [key]))[key];
  return spread && text ? summarizeSpread(spread, readShares(text)) : undefined;
}
