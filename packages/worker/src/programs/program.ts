import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import {
  type CommandSpec,
  checkArguments,
  encodeJson,
  JobbersError,
  type RunProgram,
  type TaskContext,
} from "@jobbers/core";
import { endTrees, signalTrees, type Tree, untilGone } from "../trees/tree.js";
import type { Watchdog } from "../trees/watchdog.js";
import { pause } from "../waiting.js";
import { type Environment, environmentOf } from "./environment.js";
import { LogLines } from "./log-lines.js";
import { readSaid, type SaidError } from "./said.js";
import { Stdout } from "./stdout.js";
import { failureOf } from "./verdict.js";

/**
 * One program, from its start until nothing of it is left:
 *
 *   started ──▶ exited ──▶ has it left processes behind? ──no──────────────▶ over
 *      │                       │ yes: half a second, then ▼                    ▲
 *      └── aborted, or prints too much ──▶ SIGTERM to the whole tree ──▶ is all of it gone within killAfter?
 *                                                                              │ no: SIGKILL, again and again
 *                                                                              ▼
 *                                                                             over
 */

/** What programs are started with. */
export interface ProgramTerms {
  readonly environment: Environment;
  readonly watchdog: Watchdog;
  /** The most that one may answer, in bytes. */
  readonly maxOutputBytes: number;
  /** Aborts when nothing is waited for any more: then it is SIGKILL at once. */
  readonly closing: AbortSignal;
}

/** How long processes that a program has left behind may take to end by themselves, in milliseconds. */
const LINGER_MS = 500;

/** SIGKILL is obeyed at once, unless the kernel is at work for the process; and what is in a pipe is read soon. */
const DEATH_MS = 5_000;

/** Makes what runs the programs of commands. */
export function createRunProgram(terms: ProgramTerms): RunProgram {
  return async (spec, input, ctx) => {
    ctx.signal.throwIfAborted();
    const argv = typeof spec.run === "function" ? spec.run(input as never) : spec.run;
    checkArguments(argv, `command "${spec.name}": what run answered`);
    const stdin = encodeJson(input ?? null, `input of ${spec.name}`);
    return await new Program(spec, ctx, terms).run(argv, stdin);
  };
}

class Program {
  readonly #spec: CommandSpec;
  readonly #ctx: TaskContext;
  readonly #terms: ProgramTerms;
  readonly #stderr: LogLines;
  readonly #stdout: Stdout;
  #said: SaidError | undefined;
  #tooMuch: JobbersError | undefined;
  #stopping: Promise<void> | undefined;
  #tree: Tree | undefined;
  #started: ChildProcessWithoutNullStreams | undefined;

  constructor(spec: CommandSpec, ctx: TaskContext, terms: ProgramTerms) {
    this.#spec = spec;
    this.#ctx = ctx;
    this.#terms = terms;
    this.#stderr = new LogLines((line) => ctx.log.info(line, { from: "stderr" }));
    this.#stdout = new Stdout({
      ...{ name: spec.name, form: spec.stdout, maxBytes: terms.maxOutputBytes },
      onSaid: (line) => this.#hear(line),
      onTooMuch: (error) => {
        this.#tooMuch = error;
        // Nobody reads any more: what it prints on is an error of its own.
        this.#started?.stdout.destroy();
        this.#stop();
      },
    });
  }

  async run(argv: readonly string[], stdin: string): Promise<unknown> {
    const { signal } = this.#ctx;
    const mark = this.#terms.watchdog.newMark();
    const started = this.#start(argv, mark);
    const ended = endOf(started);
    if (started.pid === undefined) throw this.#notStarted(argv, (await ended).error);
    this.#tree = { pid: started.pid, mark };
    this.#started = started;
    const unwatch = this.#terms.watchdog.watch(this.#tree);
    const onAbort = () => this.#stop();
    const signals = [signal, this.#terms.closing];
    for (const each of signals) each.addEventListener("abort", onAbort, { once: true });
    try {
      this.#connect(started, stdin);
      const { code, signal: by } = await ended;
      await this.#clearUp();
      await this.#readToEnd(started);
      signal.throwIfAborted();
      return this.#answer(code, by);
    } finally {
      for (const each of signals) each.removeEventListener("abort", onAbort);
      unwatch();
    }
  }

  #start(argv: readonly string[], mark: string): ChildProcessWithoutNullStreams {
    const { cwd } = this.#spec;
    const env = environmentOf(this.#terms.environment, this.#spec, this.#ctx, mark);
    try {
      // Detached: it leads a group of its own, which can be signalled as a whole, and Ctrl-C in the worker's terminal is not for it.
      const options = { detached: true, env, ...(cwd !== undefined && { cwd }) };
      return spawn(argv[0] as string, argv.slice(1), options);
    } catch (cause) {
      throw this.#notStarted(argv, cause);
    }
  }

  #connect({ stdin, stdout, stderr }: ChildProcessWithoutNullStreams, input: string): void {
    // A program need not read its input, nor must its pipes outlive it in peace.
    for (const stream of [stdin, stdout, stderr]) stream.on("error", () => {});
    readGently(stdout, (chunk) => this.#stdout.push(chunk));
    readGently(stderr, (chunk) => this.#stderr.push(chunk));
    stdin.end(`${input}\n`);
  }

  #hear(line: string): void {
    try {
      const said = readSaid(line);
      if (said.type === "heartbeat") this.#ctx.heartbeat(said.progress);
      else if (said.type === "log") this.#ctx.log[said.level](said.message, said.fields);
      else this.#said = said.error;
    } catch (thrown) {
      this.#stderr.add(
        `a line for Jobbers cannot be read: ${(thrown as Error).message}: ${line.slice(0, 500)}`,
      );
    }
  }

  /** Ends the whole tree: SIGTERM, and SIGKILL to what is left of it after the grace. */
  #stop(): void {
    this.#stopping ??= this.#endTree();
  }

  async #endTree(): Promise<void> {
    const tree = this.#tree;
    if (!tree) return;
    const { closing } = this.#terms;
    if (!closing.aborted && (await signalTrees([tree], "SIGTERM")) > 0) {
      const look = async () => (closing.aborted ? 0 : await signalTrees([tree], 0));
      await untilGone(look, this.#spec.killAfterMs);
    }
    const left = await endTrees([tree], DEATH_MS);
    if (left > 0) this.#ctx.log.error(`${left} processes of ${this.#spec.name} do not even heed SIGKILL`);
  }

  /** The program itself has ended; what it has left behind must not go on unseen. */
  async #clearUp(): Promise<void> {
    const tree = this.#tree as Tree;
    if (!this.#stopping) {
      const look = async () => (this.#stopping ? 0 : await signalTrees([tree], 0));
      const left = await untilGone(look, LINGER_MS);
      if (left > 0 && !this.#stopping) {
        const what = `${this.#spec.name} has ended and left ${left} processes behind, which are ended, too`;
        this.#ctx.log.warn(what);
        this.#stop();
      }
    }
    await this.#stopping;
  }

  async #readToEnd({ stdout, stderr }: ChildProcessWithoutNullStreams): Promise<void> {
    const streams = [stdout, stderr].filter((stream) => !stream.closed);
    const enough = new AbortController();
    const closed = Promise.all(streams.map((stream) => once(stream, "close").catch(() => {})));
    // Who has escaped may still hold them open.
    await Promise.race([closed, pause(DEATH_MS, enough.signal)]);
    enough.abort();
    for (const stream of streams) stream.destroy();
    this.#stdout.end();
    this.#stderr.end();
  }

  async #answer(code: number | null, signal: NodeJS.Signals | null): Promise<unknown> {
    if (this.#tooMuch) throw this.#tooMuch;
    const failure = failureOf(this.#spec, { code, signal, tail: this.#stderr.tail, said: this.#said });
    if (failure) throw failure;
    const { value, chatter } = this.#stdout.output();
    const log = new LogLines((line) => this.#ctx.log.info(line, { from: "stdout" }));
    for (const line of chatter) log.add(line);
    log.end();
    return value;
  }

  #notStarted(argv: readonly string[], cause: unknown): JobbersError {
    const { name, cwd } = this.#spec;
    const { code, message } = cause as NodeJS.ErrnoException;
    const place = cwd !== undefined && !existsSync(cwd) ? `: its directory ${cwd} does not exist` : "";
    const why = code === "ENOENT" ? place || ": there is no such program" : `: ${message}`;
    return new JobbersError("program-unusable", `${name} cannot start ${JSON.stringify(argv[0])}${why}`, {
      cause,
    });
  }
}

/** One piece a turn of the event loop: a program that prints without end has to wait, not everybody else. */
function readGently(stream: Readable, take: (chunk: Buffer) => void): void {
  stream.on("data", (chunk: Buffer) => {
    stream.pause();
    take(chunk);
    setImmediate(() => stream.resume());
  });
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

function endOf(started: ChildProcessWithoutNullStreams): Promise<End> {
  return new Promise((resolve) => {
    started.once("exit", (code, signal) => resolve({ code, signal }));
    started.once("error", (error) => resolve({ code: null, signal: null, error }));
  });
}
