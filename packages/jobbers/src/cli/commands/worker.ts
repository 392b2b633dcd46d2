import { defineCommand, sharedFlags } from "../command.js";
import { queueList, wholeNumber } from "../flags.js";
import { onEndSignals, signalExitCode } from "../signals.js";
import { withStore } from "../store.js";
import { loadFiles } from "../workflow-files.js";

/** `jobbers worker`: executes steps until a signal asks it to leave. */
export const worker = defineCommand({
  name: "worker",
  description: "Execute the steps of all runs at a store, until SIGTERM, SIGINT or SIGQUIT drains it",
  args: {
    files: {
      type: "positional",
      description: "Modules whose exported tasks and dags are registered",
      required: true,
    },
    concurrency: { type: "string", valueHint: "N", description: "How many steps run at once; default 10" },
    queues: {
      type: "string",
      valueHint: "A,B",
      description: "Which queues to serve, A=5 with at most 5 slots for A; default: those of its tasks",
    },
    role: {
      type: "string",
      valueHint: "ROLE",
      description: "The role that says which queues to serve; its edits are followed without a restart",
    },
    name: {
      type: "string",
      valueHint: "NAME",
      description: "The worker's name in listings; default: chosen by itself",
    },
    ...sharedFlags,
  },
  examples: [
    "jobbers worker workflows/*.ts",
    "jobbers worker dist/crawl.js --concurrency 100 --queues crawl,default --name crawler-1 --store sqlite:./jobs.db",
  ],
  async run({ args, positionals, output }) {
    const concurrency =
      args.concurrency === undefined ? undefined : wholeNumber(args.concurrency, "--concurrency");
    const queues = args.queues === undefined ? undefined : queueList(args.queues, "--queues");
    const { workflows, queues: said } = await loadFiles(positionals);
    return withStore({ ...args, queues: said }, async (jobbers) => {
      const pool = jobbers.worker({
        workflows: [...workflows.values()],
        concurrency,
        ...queues,
        role: args.role,
        name: args.name,
      });
      const asked = new Promise<void>((resolve) => {
        onEndSignals({
          drain(signal) {
            output.note(
              `${signal}: finishing what runs, then leaving; once more to give it back and leave at once`,
            );
            resolve();
          },
          leave: (signal) =>
            void pool.stop({ giveBack: true }).finally(() => process.exit(signalExitCode(signal))),
        });
      });
      await pool.start();
      const names = [...workflows.keys()];
      output.note(
        `worker ${pool.name} (pid ${process.pid}) serves ${names.join(", ")} at ${jobbers.store.url}`,
      );
      output.printJson({ worker: pool.name, pid: process.pid, store: jobbers.store.url, workflows: names });
      await asked;
      await pool.stop();
      output.note(`worker ${pool.name} has left; nothing was lost`);
      return 0;
    });
  },
});
