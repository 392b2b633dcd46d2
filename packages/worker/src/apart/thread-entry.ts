import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { HandlerHost } from "./handler-host.js";
import type { ChildData, Order } from "./protocol.js";

if (!isMainThread && parentPort) {
  const port = parentPort;
  new HandlerHost(workerData as ChildData, {
    post: (said, sent) => {
      port.postMessage(said);
      sent?.();
    },
    onOrder: (take) => port.on("message", (order: Order) => take(order)),
  });
}
