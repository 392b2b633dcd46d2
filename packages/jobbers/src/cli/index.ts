/**
 * The parts of the `jobbers` command that other programs are made of: checked flags, live progress, a run in this process.
 *
 * @module
 */

export { checkRunId } from "@jobbers/core";
export type { Command, CommandCall } from "./command.js";
export { defineCommand, sharedFlags } from "./command.js";
export { codeOf, EXIT_BUG, EXIT_OTHERWISE, reportError } from "./error-report.js";
export { type Executable, type Executed, type Execution, executeRun } from "./execute.js";
export { flagError, nameList, oneOf, parseFlags, wholeNumber } from "./flags.js";
export { inputFlag, readInput } from "./input.js";
export type { Output, Terminal } from "./output.js";
export { runCommand } from "./program.js";
export { type ProgressView, startProgress } from "./progress.js";
export { onEndSignals, signalExitCode } from "./signals.js";
export { connectStore, DEFAULT_STORE, storeUrl, withStore } from "./store.js";
export { showDuration, showTime, table } from "./table.js";
export { chooseWorkflow, loadWorkflowFiles } from "./workflow-files.js";
