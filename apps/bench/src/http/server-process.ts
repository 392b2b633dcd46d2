import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { endProcess } from "../redis/end-process.js";
import { within } from "../scenario.js";

/** A server in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
}

const jobbers = fileURLToPath(import.meta.resolve("jobbers/package.json")).replace(
  "package.json",
  "bin/jobbers.js",
);
const bare = fileURLToPath(new URL("./bare-process.js", import.meta.url));
const api = fileURLToPath(new URL("./api-process.js", import.meta.url));

const running = new Set<ChildProcess>();

/** Starts `jobbers server` on a store; it ends with this process at the latest. */
export function startServer(store: string): Promise<ServerProcess> {
  return start([jobbers, "server", "--store", store, "--port", "0", "--json"]);
}

/** Starts the API on a store, and nothing that would tidy the store up. */
export function startApi(store: string): Promise<ServerProcess> {
  return start([api, store]);
}

/** Starts what the API is measured against. */
export function startBare(): Promise<ServerProcess> {
  return start([bare]);
}

async function start(args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const first = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  const { url } = JSON.parse(await within(30_000, "the server's start", first)) as { url: string };
  return { url, [Symbol.asyncDispose]: () => endProcess(child) };
}

/** Kills the servers that are left of those started here. */
export async function endServers(): Promise<void> {
  await Promise.all([...running].map((child) => endProcess(child, "SIGKILL")));
}
