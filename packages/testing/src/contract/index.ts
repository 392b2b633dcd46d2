import { describe } from "vitest";
import { type BenchTest, benchTest, type ContractOptions, type OpenStore } from "./bench.js";
import { blobs } from "./blobs.js";
import { cancelling } from "./cancelling.js";
import { catching } from "./catching.js";
import { crashes } from "./crashes.js";
import { dags } from "./dags.js";
import { deadLetters } from "./dead-letters.js";
import { deadlines } from "./deadlines.js";
import { durability } from "./durability.js";
import { epilogues } from "./epilogues.js";
import { events } from "./events.js";
import { expansions } from "./expansions.js";
import { expiring } from "./expiring.js";
import { fairness } from "./fairness.js";
import { fences } from "./fences.js";
import { fleet } from "./fleet.js";
import { forms } from "./forms.js";
import { graph } from "./graph.js";
import { heartbeats } from "./heartbeats.js";
import { inspecting } from "./inspecting.js";
import { keys } from "./keys.js";
import { keysEnds } from "./keys-ends.js";
import { keysStory } from "./keys-story.js";
import { lanes } from "./lanes.js";
import { letterRetention } from "./letter-retention.js";
import { limitEdits } from "./limit-edits.js";
import { limitLines } from "./limit-lines.js";
import { limits } from "./limits.js";
import { lines } from "./lines.js";
import { listing } from "./listing.js";
import { liveness } from "./liveness.js";
import { logs } from "./logs.js";
import { looking } from "./looking.js";
import { losses } from "./losses.js";
import { maps } from "./maps.js";
import { mixedExchanges } from "./mixed-exchanges.js";
import { news } from "./news.js";
import { openings } from "./openings.js";
import { orphans } from "./orphans.js";
import { queues } from "./queues.js";
import { redriving } from "./redriving.js";
import { registrations } from "./registrations.js";
import { rerunning } from "./rerunning.js";
import { retention } from "./retention.js";
import { retrying } from "./retrying.js";
import { retryingBodies } from "./retrying-bodies.js";
import { retryingCancelled } from "./retrying-cancelled.js";
import { retryingCatches } from "./retrying-catches.js";
import { retryingEnded } from "./retrying-ended.js";
import { returning } from "./returning.js";
import { roleLimits } from "./role-limits.js";
import { roles } from "./roles.js";
import { sessions } from "./sessions.js";
import { sharing } from "./sharing.js";
import { spreads } from "./spreads.js";
import { starts } from "./starts.js";
import { sticky } from "./sticky.js";
import { stickyOthers } from "./sticky-others.js";
import { submitting } from "./submitting.js";
import { submittingStory } from "./submitting-story.js";
import { tenantsSaid } from "./tenants-said.js";
import { timers } from "./timers.js";
import { triggers } from "./triggers.js";
import { values } from "./values.js";
import { weighted } from "./weighted.js";
import { whereabouts } from "./whereabouts.js";
import { working } from "./working.js";

const groups: readonly (readonly [string, (test: BenchTest, options: ContractOptions) => void])[] = [
  ["submitting", submitting],
  ["stories of submitting", submittingStory],
  ["starts", starts],
  ["keys", keys],
  ["ends of keys", keysEnds],
  ["stories of keys", keysStory],
  ["durability", durability],
  ["working", working],
  ["lanes", lanes],
  ["fences", fences],
  ["lines", lines],
  ["limits", limits],
  ["limits that are edited", limitEdits],
  ["lines under limits", limitLines],
  ["fairness", fairness],
  ["tenants of tasks and queues", tenantsSaid],
  ["forms", forms],
  ["values", values],
  ["queues", queues],
  ["orphans", orphans],
  ["weighted queues", weighted],
  ["roles", roles],
  ["role limits", roleLimits],
  ["fleet", fleet],
  ["graph", graph],
  ["triggers", triggers],
  ["catching", catching],
  ["epilogues", epilogues],
  ["maps", maps],
  ["mixed exchanges", mixedExchanges],
  ["expansions", expansions],
  ["spreads", spreads],
  ["sticky", sticky],
  ["sticky beside all else", stickyOthers],
  ["dags", dags],
  ["openings", openings],
  ["sessions", sessions],
  ["registrations", registrations],
  ["losses", losses],
  ["returning", returning],
  ["heartbeats", heartbeats],
  ["liveness", liveness],
  ["logs", logs],
  ["timers", timers],
  ["cancelling", cancelling],
  ["deadlines", deadlines],
  ["expiring", expiring],
  ["retrying", retrying],
  ["retrying bodies", retryingBodies],
  ["retrying catches", retryingCatches],
  ["retrying cancelled runs", retryingCancelled],
  ["retrying ended runs", retryingEnded],
  ["dead letters", deadLetters],
  ["retention of dead letters", letterRetention],
  ["redriving", redriving],
  ["rerunning", rerunning],
  ["crashes", crashes],
  ["retention", retention],
  ["blobs", blobs],
  ["looking", looking],
  ["listing", listing],
  ["whereabouts", whereabouts],
  ["events", events],
  ["news", news],
  ["inspecting", inspecting],
];

/**
 * Registers the tests that every store has to pass, as vitest suites; each test opens a fresh store.
 *
 * @param open opens an empty store that reads its time from the clock, and never waits for real time to pass
 * @example
 * storeContract("sqlite in memory", ({ clock }) => openSqliteStore("memory:", { clock }));
 */
export function storeContract(name: string, open: OpenStore, options: ContractOptions = {}): void {
  const test = benchTest(open, options);
  describe(name, () => {
    for (const [title, group] of groups) describe(title, () => group(test, options));
    if (options.reopen) describe("sharing", () => sharing(test));
  });
}
