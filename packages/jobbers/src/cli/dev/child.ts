import { resolve } from "node:path";
import { JobbersError } from "@jobbers/core";
import { connect } from "../../connect.js";
import { type JobbersServer, startServer } from "../../server/server.js";
import type { JobbersWorker } from "../../worker.js";
import { codeOf } from "../error-report.js";
import { tokensIn } from "../listen.js";
import { type LoadedFiles, loadFiles } from "../workflow-files.js";
import { createLoadedFiles } from "./loaded-files.js";
import type { FromChild, Serving, ToChild } from "./messages.js";
import { type RunLog, startRunLog } from "./run-log.js";

/** What this process has opened, in the order in which it is closed. */
interface Open {
  readonly server: JobbersServer;
  readonly worker: JobbersWorker;
  readonly log: RunLog;
  close(): Promise<void>;
}

/** How long requests have at a restart: their clients send them again. */
const REQUESTS_MS = 1_000;

const tell = (message: FromChild) =>
  new Promise<void>((done) => (process.send ? process.send(message, () => done()) : done()));
const note = (line: string) => void process.stderr.write(`${line}\n`);

/** The work of `jobbers dev`: loads the files once, serves, and ends. Whoever changes a file gets a new process. */
function main(): void {
  let files: LoadedFiles = { workflows: new Map(), queues: undefined };
  let open: Open | undefined;
  let ending: Promise<void> | undefined;

  const end = async ({ worker, log, server, close }: Open, graceMs: number) => {
    // The API last: while what runs is finished, it may still be asked.
    await drain(worker, graceMs);
    await server.stop(Math.min(graceMs, REQUESTS_MS));
    await log.close();
    await close();
    process.exit(0);
  };
  const leave = (graceMs: number) => {
    if (!open) process.exit(0);
    if (ending) void open.worker.stop({ giveBack: true });
    ending ??= end(open, graceMs).catch(fail);
  };
  const act = async (message: ToChild) => {
    if (message.type === "load") files = await load(message.files);
    else if (message.type === "serve") open = await serve(files, message);
    else leave(message.graceMs);
  };
  process.on("message", (message: ToChild) => void act(message).catch(fail));
  // The supervisor is gone, however it went: nobody would ever end this process.
  process.on("disconnect", () => leave(0));
  process.on("SIGTERM", () => leave(REQUESTS_MS));
  // Ctrl+C reaches every process of a terminal; the supervisor says what is to be done.
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => undefined);
}

async function load(files: readonly string[]): Promise<LoadedFiles> {
  const loaded = createLoadedFiles(files.map((file) => resolve(file)));
  try {
    const found = await loadFiles(files, loaded.onImport);
    await tell({ type: "loaded", names: [...found.workflows.keys()], files: loaded.list() });
    return found;
  } catch (error) {
    await tell({ type: "refused", message: (error as Error).message, files: loaded.list() });
    process.exit(2);
  }
}

async function serve({ workflows, queues }: LoadedFiles, place: Serving): Promise<Open> {
  const { host, port, concurrency } = place;
  const jobbers = await connect(place.store, { blobs: place.blobs, queues });
  const log = await startRunLog(jobbers.store, note);
  const tokens = tokensIn(process.env.JOBBERS_TOKENS ?? "");
  const server = await startServer({ store: jobbers.store, host, port, tokens });
  const worker = jobbers.worker({ workflows: [...workflows.values()], concurrency });
  await worker.start();
  await tell({ type: "serving", url: server.url, port: server.port, store: jobbers.store.url });
  return { server, worker, log, close: () => jobbers.close() };
}

/** Lets what runs finish for a moment, then gives it back, which costs no try. */
async function drain(worker: JobbersWorker, graceMs: number): Promise<void> {
  const timer = setTimeout(() => void worker.stop({ giveBack: true }), graceMs);
  await worker.stop(graceMs === 0 ? { giveBack: true } : {});
  clearTimeout(timer);
}

async function fail(error: unknown): Promise<void> {
  const message = error instanceof JobbersError ? error.message : String((error as Error)?.stack ?? error);
  await tell({ type: "failed", code: codeOf(error), message });
  process.exit(1);
}

main();
