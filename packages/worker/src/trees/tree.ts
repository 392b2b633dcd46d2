import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";

/**
 * A started process and all that it has led to: the group that it leads, and, on Linux, whoever has left that group (`setsid`) but has its
 * mark in the environment. Only what leaves the group AND takes another environment escapes.
 */
export interface Tree {
  /** The process, which leads a group of its own. */
  readonly pid: number;
  /** The value of {@link TREE_MARK} in its environment, which children inherit. */
  readonly mark: string;
}

/** The environment variable that marks the processes of a tree. */
export const TREE_MARK = "JOBBERS_TREE";

/** How many processes are looked at at a time: each look takes a thread of the pool that file access shares. */
const LOOKS = 16;

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/** Sends a signal to every living process of trees; answers how many there were. Who is a zombie lives no more. */
export async function signalTrees(
  trees: readonly Tree[],
  signal: NodeJS.Signals | 0,
  marks = "",
): Promise<number> {
  return process.platform === "linux"
    ? await signalFound(trees, signal, marks)
    : trees.filter(({ pid }) => kill(-pid, signal)).length;
}

/**
 * Sends SIGKILL until no process of the trees is left, or the time is over; answers how many are left.
 *
 * @param marks kills everybody else, too, whose mark begins with this
 */
export async function endTrees(trees: readonly Tree[], withinMs: number, marks?: string): Promise<number> {
  return await untilGone(() => signalTrees(trees, "SIGKILL", marks), withinMs);
}

/** Looks at processes until none is left, or the time is over; answers how many are left. */
export async function untilGone(look: () => Promise<number>, withinMs: number): Promise<number> {
  const untilMs = performance.now() + withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    const left = await look();
    const leftMs = untilMs - performance.now();
    if (left === 0 || leftMs <= 0) return left;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)));
  }
}

async function signalFound(
  trees: readonly Tree[],
  signal: NodeJS.Signals | 0,
  marks: string,
): Promise<number> {
  const groups = new Set(trees.map(({ pid }) => pid));
  const wanted = trees.map(({ mark }) => `${TREE_MARK}=${mark}\0`);
  if (marks !== "") wanted.push(`${TREE_MARK}=${marks}`);
  const found = await look(groups, wanted);
  // One call for a group: nobody can be born into it in between.
  const led = new Set(found.flatMap(({ group }) => (groups.has(group) ? [group] : [])));
  for (const group of led) kill(-group, signal);
  for (const { pid, group } of found) if (!led.has(group)) kill(pid, signal);
  return found.length;
}

interface Living {
  readonly pid: number;
  readonly group: number;
}

async function look(groups: ReadonlySet<number>, wanted: readonly string[]): Promise<Living[]> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found: Living[] = [];
  const lookOn = async () => {
    for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
      const living = await lookAt(pid, groups, wanted);
      if (living) found.push(living);
    }
  };
  await Promise.all(Array.from({ length: LOOKS }, lookOn));
  return found;
}

async function lookAt(
  pid: string,
  groups: ReadonlySet<number>,
  wanted: readonly string[],
): Promise<Living | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    // The name, in parentheses, may hold anything; behind it stand state, parent and group.
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z" || state === "X") return undefined;
    const living = { pid: Number(pid), group: Number(group) };
    if (groups.has(living.group)) return living;
    const environment = `\0${await readFile(`/proc/${pid}/environ`, "latin1")}`;
    return wanted.some((mark) => environment.includes(`\0${mark}`)) ? living : undefined;
  } catch {
    // It has ended meanwhile, or belongs to somebody else.
    return undefined;
  }
}

/** False where there is nobody any more. */
function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
