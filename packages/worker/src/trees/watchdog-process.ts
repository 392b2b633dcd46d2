import { createInterface } from "node:readline";
import { endTrees, type Tree } from "./tree.js";

/**
 * A tiny process beside a worker: its stdin is a pipe that nobody but the worker holds, so it ends when the worker does, however that
 * comes about. Then every tree that was started and has not ended is killed.
 *
 * Lines on stdin: `+PID MARK` a tree was started, `-PID MARK` it has ended.
 */
const WITHIN_MS = 10_000;

const marks = process.argv[2] as string;
const trees = new Map<string, Tree>();
for await (const line of createInterface({ input: process.stdin })) {
  const [pid = "", mark = ""] = line.slice(1).split(" ");
  if (line.startsWith("+")) trees.set(mark, { pid: Number(pid), mark });
  else trees.delete(mark);
}
await endTrees([...trees.values()], WITHIN_MS, marks);
