import type { Command } from "./command.js";
import { doctor } from "./commands/doctor.js";
import { fsck } from "./commands/fsck.js";
import { graph } from "./commands/graph.js";
import { run } from "./commands/run.js";
import { runs } from "./commands/runs.js";
import { show } from "./commands/show.js";
import { submit } from "./commands/submit.js";
import { worker } from "./commands/worker.js";

/** Every command of `jobbers`, in the order of its help. */
export const commands: readonly Command[] = [run, worker, submit, runs, show, graph, doctor, fsck];
