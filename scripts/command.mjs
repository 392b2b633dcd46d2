import { spawn } from "node:child_process";
import { pathOf } from "./root.mjs";

/**
 * Runs a Node.js program at the root of the repository and waits for its end.
 * Its output is collected, or with `live` goes straight to the terminal.
 */
export function runNode(program, args = [], { live = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: pathOf("."),
      stdio: live ? "inherit" : ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}
