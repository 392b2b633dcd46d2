import { createUpkeep } from "@jobbers/upkeep";
import { hostIdentity, processBirth } from "@jobbers/worker";
import { startServer } from "../../server/server.js";
import { defineCommand, sharedFlags } from "../command.js";
import { isEveryAddress, listenArgs, listenFlags } from "../listen.js";
import { onEndSignals, signalExitCode } from "../signals.js";
import { withStore } from "../store.js";
import { watchStore } from "../store-watch.js";

/** `jobbers server`: the HTTP API of a store, and its upkeep. */
export const server = defineCommand({
  name: "server",
  description: "Serve the HTTP API of a store, and do its upkeep, until a signal ends it",
  args: { ...listenFlags, ...sharedFlags },
  examples: [
    "jobbers server",
    "jobbers server --store redis://127.0.0.1:6379 --port 0",
    "JOBBERS_TOKENS=jb_ci_4fT9… jobbers server --host 0.0.0.0",
  ],
  async run({ args, output }) {
    const place = listenArgs(args);
    return withStore(args, async ({ store }) => {
      const upkeep = createUpkeep({ store, host: hostIdentity(), birthOf: processBirth });
      const api = await startServer({ store, ...place });
      const asked = new Promise<void>((resolve) => {
        onEndSignals({
          drain(signal) {
            output.note(`${signal}: finishing what was asked, then leaving; once more to leave at once`);
            resolve();
          },
          leave: (signal) => process.exit(signalExitCode(signal)),
        });
      });
      await upkeep.start();
      const stopWatching = watchStore(store, output);
      const everywhere = isEveryAddress(api.host) ? " and all other addresses of this machine" : "";
      output.note(`the API of ${store.url} listens on ${api.url}${everywhere} (pid ${process.pid})`);
      if (store.url === "memory:") output.note("memory: what it keeps ends with this process");
      output.printJson({ url: api.url, host: api.host, port: api.port, pid: process.pid, store: store.url });
      await asked;
      stopWatching();
      await api.stop();
      await upkeep.stop();
      output.note("the server has left");
      return 0;
    });
  },
});
