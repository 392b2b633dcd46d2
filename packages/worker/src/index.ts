export { AttemptAborted } from "./aborted.js";
export {
  createModuleLoader,
  innerExports,
  isTypescript,
  type LoadModule,
  typescriptEndings,
  workflowsIn,
} from "./apart/modules.js";
export type { KeepLogs } from "./attempt-logs.js";
export type { Observer, WorkerEvent } from "./events.js";
export { MAX_RUN_STEPS } from "./expander.js";
export { hostIdentity, processBirth } from "./host.js";
export { consoleLog } from "./log.js";
export type { WorkerOptions } from "./options.js";
export type { Verdict } from "./outbox.js";
export { type CommandSurroundings, createCommandContext } from "./programs/command-context.js";
export type { Environment } from "./programs/environment.js";
export type { ReportCounts } from "./reporter.js";
export {
  createWorker,
  type RunningAttempt,
  type StopOptions,
  type Worker,
  type WorkerState,
  type WorkerStats,
} from "./worker.js";
