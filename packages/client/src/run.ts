import type {
  CancelAnswer,
  Explanation,
  RetryAnswer,
  RunDetail,
  RunItems,
  RunPending,
  RunResult,
  StepDetail,
  StepPage,
} from "@jobbers/api";
import type { StepError, Workflow } from "@jobbers/core";
import { JobbersHttpError, RunCancelled, RunFailed } from "./errors.js";
import { explanationIn } from "./explanation.js";
import { follow } from "./follow.js";
import { logsOf } from "./logs.js";
import { detailIn, eventIn, ofRun, progressIn, statusIn, stepIn } from "./reading.js";
import type { ClientRun, RunEvent, RunStatus } from "./run-types.js";
import type { SseMessage } from "./sse.js";
import type { Call, Transport } from "./transport.js";

/** How long one request for a result waits for the run's end. */
const WAIT_MS = 30_000;
const STEPS_PAGE = 200;
const ITEMS_PAGE = 500;

/** Makes the handle of a run; nothing is asked before it is. */
export function createClientRun<O>(
  transport: Transport,
  id: string,
  workflow?: Pick<Workflow, "name">,
): ClientRun<O> {
  const path = `/v1/runs/${encodeURIComponent(id)}`;
  const read = async (signal?: AbortSignal) => {
    const detail = await transport.json<RunDetail>({ path, signal });
    checkName(detail, workflow);
    return detail;
  };
  return {
    id,
    async status({ signal } = {}) {
      const { input: _input, inputPlace: _inputPlace, steps: _steps, ...run } = await read(signal);
      return statusIn(run);
    },
    async detail({ signal } = {}) {
      const { input, inputPlace, steps, ...run } = await read(signal);
      const values = { ...(input !== undefined && { input }), ...(inputPlace && { inputPlace }) };
      return { ...statusIn(run), ...values, steps: steps.map(progressIn) };
    },
    async result({ signal } = {}) {
      if (workflow) await read(signal);
      for (;;) {
        const answer = await askEnd<RunResult>(transport, `${path}/result`, id, signal);
        if (!isPending(answer)) return answer.output as O;
      }
    },
    async *items({ signal } = {}) {
      if (workflow) await read(signal);
      for (let from: number | undefined = 0; from !== undefined; ) {
        const query: Call["query"] = { limit: ITEMS_PAGE, from };
        const page: RunItems | RunPending = await askEnd<RunItems>(
          transport,
          `${path}/items`,
          id,
          signal,
          query,
        );
        if (isPending(page)) continue;
        yield* page.items as never[];
        from = page.next;
      }
    },
    async cancel({ signal } = {}) {
      return (await transport.json<CancelAnswer>({ method: "POST", path: `${path}/cancel`, signal })).status;
    },
    async retry({ from, signal } = {}) {
      const fence = from === undefined ? undefined : await fenceOf(transport, path, from, signal);
      const body = from === undefined ? {} : { body: { json: { from, fence } } };
      const call = { method: "POST", path: `${path}/retry`, signal, ...body } as const;
      return (await transport.json<RetryAnswer>(call)).status;
    },
    async *steps({ states } = {}) {
      let cursor: string | undefined;
      do {
        const query = { limit: STEPS_PAGE, cursor, state: states };
        const page: StepPage = await transport.json({ path: `${path}/steps`, query });
        for (const step of page.steps) yield stepIn(id, step);
        cursor = page.next;
      } while (cursor !== undefined);
    },
    async step(address, { signal } = {}) {
      const from = `${path}/steps/${encodeURIComponent(address)}`;
      return detailIn(await transport.json<StepDetail>({ path: from, signal }));
    },
    progress: async ({ signal } = {}) => (await read(signal)).steps.map(progressIn),
    async explain(step, { signal } = {}) {
      const query = { step };
      return explanationIn(await transport.json<Explanation>({ path: `${path}/explain`, query, signal }));
    },
    logs: (options = {}) => logsOf(transport, `${path}/logs`, options),
    events: ({ signal } = {}) =>
      eventsOf(transport, path, async () => statusIn(await transport.json<RunDetail>({ path })), signal),
  };
}

/** What a step has to be still for a retry from it: so one that is sent again is done once. A name of many steps has no record. */
async function fenceOf(transport: Transport, path: string, from: string, signal: AbortSignal | undefined) {
  if (from === "failed") return undefined;
  try {
    const step = await transport.json<StepDetail>({
      path: `${path}/steps/${encodeURIComponent(from)}`,
      signal,
    });
    return step.fence;
  } catch (error) {
    if (error instanceof JobbersHttpError && error.code === "step-unknown") return undefined;
    throw error;
  }
}

function isPending(answer: object): answer is RunPending {
  return "state" in answer && answer.state !== "succeeded";
}

/** Asks for what there is only after the run's end. */
async function askEnd<T>(
  transport: Transport,
  path: string,
  id: string,
  signal: AbortSignal | undefined,
  query: Call["query"] = {},
): Promise<T | RunPending> {
  try {
    return await transport.json<T | RunPending>({
      path,
      query: { ...query, wait: `${WAIT_MS}ms` },
      patienceMs: WAIT_MS,
      signal,
    });
  } catch (error) {
    if (!(error instanceof JobbersHttpError)) throw error;
    if (error.code === "run-cancelled") throw new RunCancelled(id);
    if (error.code === "run-failed" && error.facts !== undefined) {
      const facts = error.facts as { step?: string; error?: StepError; attempts?: number };
      const { step = "", error: cause = { name: "Error", message: error.detail }, attempts = 1 } = facts;
      throw new RunFailed({ run: id, step, error: cause, attempts });
    }
    throw error;
  }
}

async function* eventsOf(
  transport: Transport,
  path: string,
  read: () => Promise<RunStatus>,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunEvent> {
  for await (const message of follow(transport, { path: `${path}/events`, signal })) {
    if (message === "missed") yield { type: "gap" };
    else {
      const event = message === "over" ? endOf(await read()) : readEvent(message);
      if (event) yield event;
      if (event?.type === "run.ended") return;
    }
  }
}

function readEvent(message: SseMessage): RunEvent | undefined {
  const event = eventIn(message);
  return event && ofRun(event);
}

/** The end of a run whose last event was told on a connection that broke. */
function endOf({ state, createdAtMs, endedAtMs }: RunStatus): RunEvent {
  return { type: "run.ended", atMs: endedAtMs ?? createdAtMs, detail: { state } };
}

function checkName(run: RunDetail, workflow: Pick<Workflow, "name"> | undefined): void {
  if (!workflow || workflow.name === run.name) return;
  const detail = `run ${run.id} is one of "${run.name}", not of "${workflow.name}"`;
  throw new JobbersHttpError({ code: "run-conflict", detail });
}
