import { task } from "jobbers";

// In a file of their own: threads and processes load it, and have no use for the rest of the bench.

export const here = task({ name: "here", run: async () => null });

export const inThread = task({
  name: "in-thread",
  isolate: "thread",
  module: import.meta.url,
  run: async () => null,
});

export const inProcess = task({
  name: "in-process",
  isolate: "process",
  module: import.meta.url,
  run: async () => null,
});

export const hung = task({
  name: "hung",
  isolate: "process",
  module: import.meta.url,
  timeout: "300ms",
  retry: { attempts: 1 },
  run(_, ctx): null {
    ctx.heartbeat({ detail: process.pid });
    for (;;);
  },
});
