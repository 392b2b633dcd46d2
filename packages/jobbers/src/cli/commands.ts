import type { Command } from "./command.js";
import { cancel } from "./commands/cancel.js";
import { dags } from "./commands/dags.js";
import { deadLetters } from "./commands/dead-letters.js";
import { dev } from "./commands/dev.js";
import { doctor } from "./commands/doctor.js";
import { explain } from "./commands/explain.js";
import { fsck } from "./commands/fsck.js";
import { graph } from "./commands/graph.js";
import { limits } from "./commands/limits.js";
import { logs } from "./commands/logs.js";
import { queues } from "./commands/queues.js";
import { retry } from "./commands/retry.js";
import { run } from "./commands/run.js";
import { runs } from "./commands/runs.js";
import { server } from "./commands/server.js";
import { show } from "./commands/show.js";
import { submit } from "./commands/submit.js";
import { watch } from "./commands/watch.js";
import { worker } from "./commands/worker.js";
import { workers } from "./commands/workers.js";

/** Every command of `jobbers`, in the order of its help. */
export const commands: readonly Command[] = [
  ...[run, dev, worker, server],
  ...[submit, runs, show, explain, logs, watch, cancel, retry, deadLetters],
  ...[dags, queues, limits, workers],
  ...[graph, doctor, fsck],
];
