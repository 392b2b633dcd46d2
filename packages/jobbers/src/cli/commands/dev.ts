import { existsSync } from "node:fs";
import { JobbersError } from "@jobbers/core";
import { defineCommand, sharedFlags } from "../command.js";
import { type Supervised, startSupervisor } from "../dev/supervisor.js";
import { wholeNumber } from "../flags.js";
import { listenArgs, listenFlags } from "../listen.js";
import { onEndSignals } from "../signals.js";
import { storeUrl } from "../store.js";

/** How long what runs has when the command ends. */
const GRACE_MS = 5_000;

/** `jobbers dev`: everything in one process, restarted when the code changes. */
export const dev = defineCommand({
  name: "dev",
  description: "API, worker and upkeep in one, started anew whenever a file that it has loaded changes",
  args: {
    files: {
      type: "positional",
      description: "Modules whose exported tasks and dags are registered",
      required: true,
    },
    concurrency: { type: "string", valueHint: "N", description: "How many steps run at once; default 10" },
    ...listenFlags,
    ...sharedFlags,
  },
  examples: ["jobbers dev workflows/*.ts", "jobbers dev workflows/crawl.ts --store memory: --port 0"],
  async run({ args, positionals, output }) {
    const { host, port } = listenArgs(args);
    const concurrency =
      args.concurrency === undefined ? undefined : wholeNumber(args.concurrency, "--concurrency");
    const { note, json } = output;
    const store = storeUrl(args.store);
    // A name that is misspelt is no file that the next save mends.
    const absent = positionals.find((file) => !existsSync(file));
    if (absent !== undefined) throw new JobbersError("workflow-file-invalid", `${absent} does not exist`);
    let isFirst = true;
    const onServing: Supervised["onServing"] = (child, names) => {
      note(`ready on ${child.url}: ${names.join(", ")} at ${child.store}`);
      if (!isFirst) return;
      isFirst = false;
      if (store === "memory:") note("memory: a restart forgets all runs; a sqlite: store keeps them");
      output.printJson({ url: child.url, pid: process.pid, store: child.store, workflows: names });
    };
    const supervisor = startSupervisor({
      ...{ files: positionals, store, blobs: args.blobs, host, port, concurrency, json, note, onServing },
    });
    const asked = new Promise<void>((resolve) => {
      onEndSignals({
        drain(signal) {
          note(`${signal}: finishing what runs, then leaving; once more to give it back and leave at once`);
          void supervisor.stop(GRACE_MS).then(resolve);
        },
        leave: () => void supervisor.stop(0).then(resolve),
      });
    });
    await Promise.race([asked, supervisor.failed]);
    if (store !== "memory:") note("dev has left; nothing was lost");
    return 0;
  },
});
