import type { Duration, JsonValue, LogFields, Progress, StepReason, TaskLog } from "@jobbers/core";
import type { SentError } from "./sent-error.js";

/**
 * What a worker and a child (a thread or a process that runs handlers) say to each other. Everything is plain JSON, so that both ways of
 * sending carry it alike; what was said of a call that is over is dropped by its number.
 *
 *   worker                       child
 *     │ ── (start) ──────────────▶ │ loads the module
 *     │ ── run 1 ────────────────▶ │ parses the input
 *     │ ◀──────── loaded, began 1  │ runs the handler
 *     │ ◀────── heartbeat 1, log 1 │
 *     │ ◀──────────── throttled 1  │ the handler was told to slow down
 *     │ ── throttled 1 ──────────▶ │
 *     │ ── abort 1 ──────────────▶ │ aborts the signal
 *     │ ◀──────────────── heard 1  │
 *     │ ◀─── answered 1 / failed 1 │ waits for the next run
 */

/** What a child is started with. */
export interface ChildData {
  readonly module: string;
  /** How much memory it may take, in bytes; undefined: what Node.js gives it. */
  readonly maxMemoryBytes: number | undefined;
}

/** What the worker says. */
export type Order =
  | {
      readonly type: "run";
      readonly call: number;
      readonly task: string;
      readonly input: string;
      /** The most that it may answer, in bytes of JSON. */
      readonly maxOutputBytes: number;
      readonly about: About;
    }
  | {
      readonly type: "abort";
      readonly call: number;
      readonly reason: StepReason;
      readonly message: string;
    }
  /** What came of throttling, which the handler waits for. */
  | {
      readonly type: "throttled";
      readonly call: number;
      readonly number: number;
      readonly error?: SentError | undefined;
    };

/** Which attempt it is; what `ctx` tells its handler. */
export interface About {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly tries: number;
  readonly idempotencyKey: string;
  readonly traceparent?: string | undefined;
}

/** What the child says. */
export type Said =
  /** The module is loaded, or is not; then the child is of no use. */
  | { readonly type: "loaded"; readonly unusable?: SentError | undefined }
  /** The handler begins: its input fits. */
  | { readonly type: "began"; readonly call: number }
  | { readonly type: "heartbeat"; readonly call: number; readonly progress?: Progress | undefined }
  | {
      readonly type: "log";
      readonly call: number;
      readonly level: keyof TaskLog;
      readonly message: string;
      readonly fields?: LogFields | undefined;
    }
  | {
      readonly type: "throttled";
      readonly call: number;
      readonly number: number;
      readonly duration: Duration;
      readonly limit?: string | undefined;
    }
  /** The signal has aborted: the handler, or its event loop at least, is not stuck. */
  | { readonly type: "heard"; readonly call: number }
  /** `worn`: so much of the memory is taken that the child should not be used again. */
  | { readonly type: "answered"; readonly call: number; readonly output: string; readonly worn: boolean }
  /** `final`: another try would not change it, for this reason. */
  | {
      readonly type: "failed";
      readonly call: number;
      readonly error: SentError;
      readonly final?: StepReason | undefined;
      readonly worn: boolean;
    }
  /** Something that nobody caught; the child ends. */
  | { readonly type: "crashing"; readonly error: SentError };

/** A value as JSON carries it; undefined where it cannot. */
export function jsonOf(value: unknown, maxChars: number): JsonValue | undefined {
  try {
    const text = JSON.stringify(value);
    return text !== undefined && text.length <= maxChars ? (JSON.parse(text) as JsonValue) : undefined;
  } catch {
    return undefined;
  }
}
