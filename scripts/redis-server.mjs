// The Redis store is tested on a real server, which no npm package ships.
import { spawnSync } from "node:child_process";

const run = (program, args) =>
  spawnSync(program, args, { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });

/** The version of the `redis-server` on PATH, undefined where there is none. */
function installedVersion() {
  const { status, stdout } = run("redis-server", ["--version"]);
  return status === 0 ? /v=([\d.]+)/.exec(stdout)?.[1] : undefined;
}

/** Why it cannot be installed from here; undefined where it can. */
function obstacle() {
  if (process.getuid?.() !== 0) return "this is not root";
  return run("apt-get", ["--version"]).status === 0 ? undefined : "there is no apt-get here";
}

/** Makes sure that `redis-server` is on PATH: on Debian, as root, it is installed where it is missing. */
export async function ensureRedisServer() {
  if (installedVersion()) return { ok: true };
  const why = obstacle();
  const advice =
    "Install Redis 7.0 or newer, so that `redis-server` is on PATH (Debian: apt-get install redis-server).";
  if (why)
    return { ok: false, output: `The tests of the Redis store need redis-server, and ${why}. ${advice}` };
  const steps = [
    ["apt-get", ["update", "-qq"]],
    ["apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"]],
  ];
  for (const [program, args] of steps) {
    const { status, stderr } = run(program, args);
    if (status !== 0)
      return { ok: false, output: `${program} ${args.join(" ")} failed:\n${stderr}\n${advice}` };
  }
  return installedVersion() ? { ok: true } : { ok: false, output: advice };
}
