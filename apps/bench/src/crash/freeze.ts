import { spawn } from "node:child_process";
import { once } from "node:events";

/** Stops the victim until its own input ends, which it also does when the process that holds the other end dies. */
const HOLD = 'kill -STOP "$1"; echo stopped; cat > /dev/null; kill -CONT "$1"';

/** Stops a process; resolves, when it stands still, with what lets it go on. Should this one die meanwhile, it goes on by itself. */
export async function freeze(pid: number): Promise<() => Promise<void>> {
  const helper = spawn("sh", ["-c", HOLD, "sh", String(pid)], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  const over = once(helper, "exit");
  await Promise.race([once(helper.stdout, "data"), over]);
  return async () => {
    helper.stdin.end();
    await over;
  };
}
