import { z } from "@hono/zod-openapi";
import { JobbersError } from "@jobbers/core";
import { streamed } from "../answers.js";
import { type BulkHead, refused, submitLines } from "../bulk.js";
import type { ApiContext } from "../context.js";
import { checkMediaType } from "../doors/body.js";
import { createLineCutter, type Line } from "../doors/lines.js";
import { traceparentOf } from "../doors/traceparent.js";
import { createLineIds, idempotencyKey } from "../line-ids.js";
import { defineRoute } from "../route.js";
import { type BulkAnswer, bulkAnswer, runRequest } from "../wire/submit.js";

const TYPE = "application/x-ndjson";
/** How many lines are submitted at a time, and how many such batches may be under way. */
const MAX_LINES = 250;
const MAX_BATCHES = 4;

/** `POST /v1/runs/bulk` */
export const submitBulk = defineRoute(
  {
    method: "post",
    path: "/v1/runs/bulk",
    operationId: "submitBulk",
    tag: "runs",
    summary: "Submit many runs, one a line; each line is answered by a line",
    description:
      "Lines are submitted while they come in, and answered in their order; a line that is refused does not stop the others. " +
      "Read the answers while you send: nothing more is taken in while nobody takes what is answered. " +
      "When nothing comes for 30 s, a last line with `body-timeout` ends the answer.",
    headers: z.object({
      "Idempotency-Key": z.string().min(16).max(128).optional().openapi({
        description: "Needed where lines bring no ids: a resend with the same key names the same runs.",
      }),
      traceparent: z.string().optional().openapi({ description: "W3C trace context, kept with each run." }),
    }),
    body: { type: TYPE, schema: runRequest, description: "One submission a line, of at most 1 MiB." },
    answers: { 200: { description: "One answer a line.", type: TYPE, schema: bulkAnswer } },
    problems: ["query-invalid", "store-busy", "store-closed"],
  },
  (context, { c }) => {
    checkMediaType(c, TYPE);
    const key = idempotencyKey(c.req.header("idempotency-key"));
    const head: BulkHead = {
      idOf: key === undefined ? undefined : createLineIds(key),
      traceparent: traceparentOf(c.req.header("traceparent")),
    };
    const answers = answersTo(context, head, c.req.raw.body);
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await answers.next();
          if (done) controller.close();
          else controller.enqueue(encoder.encode(value));
        },
        async cancel() {
          await answers.return();
        },
      },
      { highWaterMark: 0 },
    );
    return streamed(body, TYPE);
  },
);

/** Texts of answers, made as fast as they are taken: no more is read from the body while they are not. */
async function* answersTo(
  context: ApiContext,
  head: BulkHead,
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<string, void, void> {
  if (!body) return;
  const reader = body.getReader();
  const cutter = createLineCutter(context.limits.bodyBytes);
  const sent: Promise<string>[] = [];
  const send = (lines: readonly Line[]) => {
    for (let at = 0; at < lines.length; at += MAX_LINES)
      sent.push(submitLines(context, head, lines.slice(at, at + MAX_LINES)).then(textOf));
  };
  let last = 0;
  let reading: Promise<Piece> | undefined = readPiece(reader, context);
  try {
    while (reading || sent.length > 0) {
      const [first] = sent;
      // What is answered goes out at once: who waits for an answer before the next line must get it.
      const next =
        !reading || sent.length >= MAX_BATCHES
          ? await first
          : await Promise.race([reading, ...(first ? [first] : [])]);
      if (typeof next === "string") {
        sent.shift();
        yield next;
        continue;
      }
      const { value, error } = next as Piece;
      const lines = value ? cutter.push(value) : error ? [] : cutter.end();
      last = lines.at(-1)?.number ?? last;
      send(lines);
      if (error) sent.push(Promise.resolve(textOf([refused(context, last + 1, undefined, error)])));
      reading = value ? readPiece(reader, context) : undefined;
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

interface Piece {
  /** Absent at the end. */
  readonly value?: Uint8Array | undefined;
  readonly error?: unknown;
}

/** The next piece of a body; it never rejects. */
async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  context: ApiContext,
): Promise<Piece> {
  const { silenceMs } = context.limits;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onClose = () => {};
  const silence = new Promise<Piece>((resolve) => {
    timer = setTimeout(() => {
      resolve({ error: new JobbersError("body-timeout", `nothing came for ${silenceMs / 1000} s`) });
    }, silenceMs);
    onClose = () => resolve({ error: new JobbersError("store-closed", "the server is stopping") });
    context.closing.addEventListener("abort", onClose);
    if (context.closing.aborted) onClose();
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch {
    return { error: new JobbersError("body-invalid", "the body broke off") };
  } finally {
    clearTimeout(timer);
    context.closing.removeEventListener("abort", onClose);
  }
}

function textOf(answers: readonly BulkAnswer[]): string {
  return answers.map((answer) => `${JSON.stringify(answer)}\n`).join("");
}
