import { readFileSync, readlinkSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";

/**
 * Which machine this process runs on, so precisely that processes with the same answer see each other's pids.
 *
 * On Linux it is the host's name, the id of this boot and the pid namespace (containers have their own); elsewhere the name and a
 * hardware address, because names of machines are given twice. Where these cannot be read, the answer is nobody else's.
 */
export function hostIdentity(): string {
  const parts = process.platform === "linux" ? [bootId(), pidNamespace()] : [hardwareAddress()];
  return [hostname(), ...(parts.includes(undefined) ? [ownMark()] : parts)].join(" ");
}

/**
 * When a process of this host began, in ticks since its boot: another one that is given its pid later began later. `undefined` where
 * that cannot be read.
 */
export function processBirth(pid: number): string | undefined {
  // The name of the program comes first, in parentheses, and may have any character in it.
  const fields = read(() => readFileSync(`/proc/${pid}/stat`, "utf8"))?.replace(/^.*\) /s, "");
  return fields?.split(" ")[STARTED];
}

/** The place of the start's instant behind the program's name: see proc(5), where it is the 22nd field of all. */
const STARTED = 19;

const bootId = () => read(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
const pidNamespace = () => read(() => readlinkSync("/proc/self/ns/pid"));

/** The least of them, since what is plugged in has one, too. */
function hardwareAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all
    .filter(({ internal, mac }) => !internal && mac !== "00:00:00:00:00:00")
    .map(({ mac }) => mac)
    .sort()[0];
}

function ownMark(): string {
  return `${process.pid}@${Math.round(performance.timeOrigin * 1_000)}`;
}

function read(look: () => string): string | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
