import { JobbersError, type JsonValue, type Workflow } from "@jobbers/core";
import type { SubmitItem, Submitted } from "@jobbers/runs";
import type { ApiContext } from "./context.js";
import { parseBody, tooLarge } from "./doors/body.js";
import type { Line } from "./doors/lines.js";
import { problemTold, refusalOf } from "./problem.js";
import type { Registered, Registrations } from "./registrations.js";
import { readRunRequest } from "./run-request.js";
import type { BulkAnswer } from "./wire/submit.js";

/** What all lines of one bulk submission share. */
export interface BulkHead {
  /** Makes the id of a line that brings none; absent when the request has no key. */
  readonly idOf: ((line: number) => string) | undefined;
  readonly traceparent: string | undefined;
}

interface Group {
  readonly items: SubmitItem<JsonValue>[];
  readonly places: number[];
}

/** Submits some lines together and answers each, in order; it never rejects. */
export async function submitLines(
  context: ApiContext,
  head: BulkHead,
  lines: readonly Line[],
): Promise<BulkAnswer[]> {
  const answers: BulkAnswer[] = [];
  const find = findOnce(context.registrations);
  const requests = lines.map((line, place) => {
    try {
      const request = readLine(line, head, context.limits.bodyBytes);
      return { ...request, found: find(request.kind, request.name) };
    } catch (error) {
      answers[place] = refused(context, line.number, undefined, error);
      return undefined;
    }
  });
  const groups = new Map<Workflow, Group>();
  for (const [place, request] of requests.entries()) {
    if (!request) continue;
    const { kind, name, item, found } = request;
    try {
      const { workflow, check } = found instanceof Promise ? await found : found;
      const [first, ...rest] = check(item.input);
      if (first)
        throw refusalOf("input-invalid", `the input does not fit ${kind} "${name}"`, [first, ...rest]);
      const group = groups.get(workflow) ?? { items: [], places: [] };
      groups.set(workflow, group);
      group.items.push(item);
      group.places.push(place);
    } catch (error) {
      answers[place] = refused(context, (lines[place] as Line).number, undefined, error);
    }
  }
  const submitted = [...groups].map(async ([workflow, { items, places }]) => {
    const results = await submitSafely(context, workflow, items);
    for (const [i, place] of places.entries()) {
      const result = results[i] as Submitted;
      const { number } = lines[place] as Line;
      answers[place] =
        result.status === "refused"
          ? refused(context, number, result.id, result.error)
          : { line: number, id: result.id, status: result.status, state: result.state };
    }
  });
  await Promise.all(submitted);
  return answers;
}

/** The refusal of a line. */
export function refused(
  context: Pick<ApiContext, "onFault">,
  line: number,
  id: string | undefined,
  error: unknown,
): BulkAnswer {
  return { line, id, status: "refused", error: problemTold(context, error, id) };
}

/** Asks for each name once, and for all at the same time: a store that is away would else hold up every line by itself. */
function findOnce(registrations: Registrations): Registrations["find"] {
  const asked = new Map<string, Registered | Promise<Registered>>();
  return (kind, name) => {
    const key = `${kind} ${name}`;
    const known = asked.get(key);
    if (known !== undefined) return known;
    const found = registrations.find(kind, name);
    // Each line hears of it in its turn; until then nobody listens.
    if (found instanceof Promise) found.catch(() => undefined);
    asked.set(key, found);
    return found;
  };
}

function readLine({ number, bytes }: Line, { idOf, traceparent }: BulkHead, maxBytes: number) {
  const what = `line ${number}`;
  if (bytes === "too-long") throw tooLarge(maxBytes, what);
  const request = readRunRequest(
    parseBody(bytes, what),
    `${what} is not what POST /v1/runs takes`,
    traceparent,
  );
  if (request.item.id !== undefined) return request;
  // Sent again, it is answered with the run that holds its key.
  if (!idOf && request.item.idempotencyKey !== undefined) return request;
  if (!idOf)
    throw new JobbersError(
      "idempotency-key-missing",
      `${what} has no id, and the request no Idempotency-Key`,
    );
  return { ...request, item: { ...request.item, id: idOf(number) } };
}

async function submitSafely(
  { submitter }: ApiContext,
  workflow: Workflow,
  items: readonly SubmitItem[],
): Promise<Submitted[]> {
  try {
    return await submitter.submit(workflow, items);
  } catch (error) {
    return items.map(({ id }) => ({ id: id as string, status: "refused", error: error as Error }));
  }
}
