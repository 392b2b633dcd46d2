import { createRunIds } from "@jobbers/core";
import { createRandom } from "@jobbers/testing";
import { type Jobbers, JobbersError } from "jobbers";
import type { IntakeLine } from "./ledgers.js";
import type { LineFile } from "./line-file.js";
import { type Load, type WorkflowName, workflowNames, workflows } from "./workflows.js";

/** Submits runs and keeps ledger A; after a restart it goes on where its ledger ends. */
export interface Intake {
  /** Submits about so many new runs. */
  submit(count: number): Promise<void>;
  /** Sends everything that was not answered once more, with the same ids; true when nothing is left. */
  resend(): Promise<boolean>;
}

export interface IntakeParts {
  readonly jobbers: Pick<Jobbers, "submitMany">;
  readonly ledger: LineFile<IntakeLine>;
  /** What the ledger holds already. */
  readonly past: readonly IntakeLine[];
  readonly seed: number;
  readonly longestMs: number;
}

type Intent = Extract<IntakeLine, { type: "intent" }>;

/** Answers that sending again would not change. */
const definite = new Set(["run-conflict", "input-invalid", "not-json", "value-too-large", "id-invalid"]);

/** The most unanswered runs that it goes on with: while the store is away, nothing is gained by more. */
const MAX_PENDING = 500;

/** One in so many runs is sent once more with other content, which must be refused. */
const CONFLICT_EVERY = 40;

export function createIntake({ jobbers, ledger, past, seed, longestMs }: IntakeParts): Intake {
  const random = createRandom(seed + past.length);
  const nextId = createRunIds(Date.now);
  const pending = new Map<string, Intent>();
  let n = 0;
  let owed = 0;
  for (const line of past) {
    if (line.type === "intent") {
      pending.set(line.id, line);
      n = Math.max(n, line.input.n + 1);
    } else if (line.type === "acknowledged" || line.type === "refused") pending.delete(line.id);
  }

  const draw = (): Intent => {
    const workflow = workflowNames[Math.floor(random() * workflowNames.length)] as WorkflowName;
    const ms = random() < 0.2 ? longestMs * (0.4 + 0.6 * random()) : 5 + 50 * random();
    return { type: "intent", at: Date.now(), id: nextId(), workflow, input: { n: n++, ms: Math.round(ms) } };
  };
  const send = async (intents: readonly Intent[]) => {
    const answers = await Promise.all(
      workflowNames.map((workflow) =>
        sendSome(
          jobbers,
          workflow,
          intents.filter((each) => each.workflow === workflow),
        ),
      ),
    );
    const lines = answers.flat();
    ledger.append(lines, true);
    for (const { type, id } of lines) if (type !== "unknown") pending.delete(id);
    return lines;
  };

  return {
    async submit(count) {
      owed = Math.min(owed + count, 2 * count + 1);
      if (pending.size > MAX_PENDING) return;
      const intents = Array.from({ length: Math.floor(owed) }, draw);
      owed -= intents.length;
      for (const intent of intents) pending.set(intent.id, intent);
      // On the disk before anybody is told: no run may exist that this ledger does not know.
      ledger.append(intents, true);
      await send(intents);
      const again = intents.filter(({ id, input }) => input.n % CONFLICT_EVERY === 0 && !pending.has(id));
      ledger.append(await Promise.all(again.map((intent) => contradict(jobbers, intent))), true);
    },
    async resend() {
      if (pending.size > 0) await send([...pending.values()]);
      return pending.size === 0;
    },
  };
}

async function sendSome(
  jobbers: IntakeParts["jobbers"],
  workflow: WorkflowName,
  intents: readonly Intent[],
): Promise<IntakeLine[]> {
  if (intents.length === 0) return [];
  const items = intents.map(({ id, input }) => ({ id, input }));
  const answers = await jobbers.submitMany(workflows[workflow], items);
  return answers.map((answer): IntakeLine => {
    const told = { at: Date.now(), id: answer.id };
    if (answer.status !== "refused") return { ...told, type: "acknowledged", how: answer.status };
    const code = codeOf(answer.error);
    return { ...told, type: definite.has(code) ? "refused" : "unknown", code };
  });
}

/** Sends an id once more with another input; says what came of it. */
async function contradict(
  jobbers: IntakeParts["jobbers"],
  { id, workflow, input }: Intent,
): Promise<IntakeLine> {
  const other: Load = { ...input, n: input.n + 1 };
  const [answer] = await jobbers.submitMany(workflows[workflow], [{ id, input: other }]);
  const told = answer?.status === "refused" ? codeOf(answer.error) : String(answer?.status);
  return { type: "conflict", at: Date.now(), id, answer: told };
}

function codeOf(error: Error): string {
  return error instanceof JobbersError ? error.code : `${error.name}: ${error.message}`;
}
