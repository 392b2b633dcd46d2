import type { Report, StepAddress, StepReason } from "@jobbers/core";
import type { Verdict } from "./outbox.js";

/** What a worker tells its observer, for tests, the command line and telemetry. */
export type WorkerEvent =
  | {
      readonly type: "session";
      readonly what: "opened" | "lost" | "doubtful" | "trusted";
      readonly session: string;
    }
  /** A handler starts. */
  | AttemptEvent<"started">
  /** A handler has returned or thrown, be it long after its attempt was reported. */
  | AttemptEvent<"returned">
  /** The store has answered a step's last report under this grant. */
  | {
      readonly type: "reported";
      readonly run: string;
      readonly step: StepAddress;
      readonly report: Report["type"];
      readonly reason?: StepReason | undefined;
      readonly verdict: Verdict;
    };

interface AttemptEvent<Type> {
  readonly type: Type;
  readonly run: string;
  readonly step: StepAddress;
  readonly task: string;
  readonly attempt: number;
}

/** Is told what happens; what it throws is ignored. */
export type Observer = (event: WorkerEvent) => void;
