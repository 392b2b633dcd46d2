import type { Flaw, Store } from "@jobbers/core";
import { defineCommand, sharedFlags } from "../command.js";
import { EXIT_STORE } from "../error-report.js";
import type { Output } from "../output.js";
import { withExistingStore } from "../store.js";

/** About how many records one call looks at. */
const PAGE = 500;

/** How often it is said how far it is. */
const PROGRESS_MS = 2_000;

/** The most problems that are shown to people one by one; programs get more. */
const SHOWN = 100;
const KEPT = 10_000;

/** `jobbers fsck`: whether a store keeps its own rules. */
export const fsck = defineCommand({
  name: "fsck",
  description: "Check that a store keeps its own rules, while everything goes on; mend what can be mended",
  args: {
    repair: { type: "boolean", description: "Mend what can be mended without guessing" },
    ...sharedFlags,
  },
  examples: [
    "jobbers fsck",
    "jobbers fsck --repair --store redis://127.0.0.1:6379",
    "jobbers fsck --json | jq '.problems[].kind'",
  ],
  async run({ args, output }) {
    return withExistingStore(args, async ({ store }) => {
      const found = await checkAll(store, args.repair === true, output);
      const { problems, count, repaired, examined } = found;
      const left = count - repaired;
      output.printJson({ store: store.url, clean: left === 0, examined, count, repaired, problems });
      const shown = problems.slice(0, SHOWN).map(lineOf);
      if (count > shown.length) shown.push(`… and ${count - shown.length} more`);
      output.print([...shown, `${store.url}: ${sumOf(found)}`].join("\n"));
      return left === 0 ? 0 : EXIT_STORE;
    });
  },
});

interface Found {
  readonly problems: readonly Flaw[];
  readonly count: number;
  readonly repaired: number;
  readonly examined: number;
}

async function checkAll(store: Store, repair: boolean, output: Output): Promise<Found> {
  const problems: Flaw[] = [];
  let [count, repaired, examined] = [0, 0, 0];
  let told = performance.now();
  let cursor: string | undefined;
  do {
    const page = await store.check({ repair, cursor, limit: PAGE });
    examined += page.examined;
    count += page.problems.length;
    repaired += page.problems.filter((each) => each.repaired).length;
    if (problems.length < KEPT) problems.push(...page.problems);
    cursor = page.next;
    if (performance.now() - told > PROGRESS_MS) {
      told = performance.now();
      output.note(`${examined.toLocaleString("en-US")} records looked at, ${count} problems so far`);
    }
  } while (cursor !== undefined);
  return { problems, count, repaired, examined };
}

function lineOf({ kind, run, step, key, sentence, repaired }: Flaw): string {
  const where = [run && `run ${run}`, step && `step ${step}`, key].filter(Boolean).join(", ");
  return `${repaired ? "mended" : "broken"}  ${kind}  ${where}${where ? ": " : ""}${sentence}`;
}

function sumOf({ count, repaired, examined }: Found): string {
  const looked = `${examined.toLocaleString("en-US")} records looked at`;
  if (count === 0) return `${looked}, all as it should be`;
  const problems = count === 1 ? "1 problem" : `${count} problems`;
  return repaired === count
    ? `${looked}, ${problems}, all mended`
    : `${looked}, ${problems}, ${repaired} mended, ${count - repaired} left`;
}
