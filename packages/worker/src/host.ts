import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Which machine this process runs on, so precisely that processes with the same answer see each other's pids.
 *
 * On Linux it is the host's name, the id of this boot and the pid namespace (containers have their own); elsewhere the name.
 */
export function hostIdentity(): string {
  const boot = read(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const namespace = read(() => readlinkSync("/proc/self/ns/pid"));
  return [hostname(), boot, namespace].filter((part) => part !== undefined).join(" ");
}

function read(look: () => string): string | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
