import { spawn } from "node:child_process";
import { constants } from "node:os";
import { build, isBuilt } from "./build.mjs";
import { install, isInstalled } from "./install.mjs";
import { nodeVersionProblem } from "./node-version.mjs";
import { pathOf } from "./root.mjs";
import { stage } from "./stage.mjs";

/** Installs and builds where that is needed, on a fresh clone just as after an edit. */
async function prepare() {
  const problem = nodeVersionProblem();
  if (problem) {
    console.error(problem);
    return false;
  }
  // Standard output belongs to the program that follows.
  const to = process.stderr;
  if (!isInstalled() && !(await stage("Installing dependencies (npm ci, once)", install, { to })))
    return false;
  return isBuilt() || (await stage("Building the packages (tsc -b)", build, { to }));
}

/**
 * Passes signals on to the child. In a terminal Ctrl+C reaches the whole process group by itself, and npm
 * sends it once more: a repeat within a second is the same key press, not a second wish.
 */
function forwardSignals(child) {
  const lastMs = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP"]) {
    process.on(signal, () => {
      const fromKeyboard = process.stdin.isTTY && (signal === "SIGINT" || signal === "SIGQUIT");
      const repeated = performance.now() - (lastMs.get(signal) ?? -Infinity) < 1_000;
      lastMs.set(signal, performance.now());
      if (!fromKeyboard && !repeated) child.kill(signal);
    });
  }
}

/** Runs a built program in place of this process and ends with its exit code. */
export async function runProgram(program, args) {
  if (!(await prepare())) {
    process.exitCode = 1;
    return;
  }
  const child = spawn(process.execPath, [pathOf(program), ...args], { stdio: "inherit" });
  forwardSignals(child);
  // A program that a signal killed ends as a shell would report it: 128 and the signal's number.
  child.on("close", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
