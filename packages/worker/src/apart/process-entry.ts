import { HandlerHost } from "./handler-host.js";
import type { Order } from "./protocol.js";

/** Arguments: the module's URL, and how much memory there is, in bytes. */
const [module, memory] = process.argv.slice(2);
if (process.send && module) {
  const send = process.send.bind(process);
  // Without its worker it has nothing to do; should its event loop be stuck, the worker's watchdog ends it.
  process.on("disconnect", () => process.exit());
  const port = {
    post: (said: object, sent?: () => void) => {
      if (process.connected) send(said, undefined, undefined, sent && (() => sent()));
    },
    onOrder: (take: (order: Order) => void) => void process.on("message", (order) => take(order as Order)),
  };
  new HandlerHost({ module, maxMemoryBytes: memory ? Number(memory) : undefined }, port);
}
