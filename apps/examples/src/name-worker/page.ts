// A page that hands work to a worker which may be killed: open http://127.0.0.1:8080/?name=foo
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Jobbers, JobbersError, type RunStatus } from "jobbers";
import { defineCommand, runCommand, sharedFlags, wholeNumber, withStore } from "jobbers/cli";
import { nameWorker } from "./task.js";

/** An answer of this page. */
interface Answer {
  readonly status: number;
  readonly text: string;
  readonly location?: string;
}

const page = defineCommand({
  name: "--",
  description: "A page at /?name=foo that submits a task of ten seconds, and shows how far it is",
  args: {
    port: { type: "string", valueHint: "N", description: "Where it listens on 127.0.0.1; default 8080" },
    takes: { type: "string", valueHint: "MS", description: "How long the task takes; default 10000" },
    ...sharedFlags,
  },
  examples: ["node apps/examples/dist/name-worker/page.js --store redis://127.0.0.1:6379"],
  async run({ args, output }) {
    const port = wholeNumber(args.port ?? "8080", "--port", 0, 65_535);
    const takesMs = wholeNumber(args.takes ?? "10000", "--takes", 0, 600_000);
    return withStore(args, async (jobbers) => {
      const server = createServer((request, response) => {
        void answerTo(jobbers, request, takesMs)
          .catch((error: unknown) => ({ status: 500, text: message(error) }))
          .then((answer) => send(response, answer));
      }).listen(port, "127.0.0.1");
      await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
      const { port: bound } = server.address() as AddressInfo;
      output.note(`open http://127.0.0.1:${bound}/?name=foo; its runs are at ${jobbers.store.url}`);
      output.printJson({ url: `http://127.0.0.1:${bound}` });
      await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
      server.closeAllConnections();
      server.close();
      return 0;
    });
  },
});

async function answerTo(jobbers: Jobbers, { url }: IncomingMessage, takesMs: number): Promise<Answer> {
  const { pathname, searchParams } = new URL(url ?? "/", "http://127.0.0.1");
  const id = /^\/runs\/(\w+)$/.exec(pathname)?.[1];
  if (id) return showRun(jobbers, id);
  if (pathname !== "/") return { status: 404, text: "There is nothing here; try /?name=foo." };
  const name = searchParams.get("name");
  if (!name) return { status: 200, text: "Whose name shall be worked on? Add ?name=foo to the address." };
  try {
    const run = await jobbers.submit(nameWorker, { name, takesMs });
    // So that to reload the page submits nothing anew.
    return { status: 303, text: `run ${run.id}`, location: `/runs/${run.id}` };
  } catch (error) {
    if (error instanceof JobbersError && error.code === "input-invalid")
      return { status: 422, text: error.message };
    throw error;
  }
}

async function showRun(jobbers: Jobbers, id: string): Promise<Answer> {
  try {
    const run = jobbers.run(id, nameWorker);
    const status = await run.status();
    const steps = [];
    for await (const { tries, lost, worker } of run.steps())
      steps.push(`worker: ${worker ?? "none yet"}, failed tries: ${tries}, lost workers: ${lost}`);
    return { status: 200, text: [sentenceOf(status), ...steps].join("\n") };
  } catch (error) {
    const isUnknown = error instanceof JobbersError && ["run-unknown", "id-invalid"].includes(error.code);
    if (isUnknown) return { status: 404, text: error.message };
    throw error;
  }
}

const sentenceOf = ({ id, state }: RunStatus) => `run ${id}: ${state}`;

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

function send(response: ServerResponse, { status, text, location }: Answer): void {
  const escaped = text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const goesOn = /: (running|scheduled)/.test(text) ? '<meta http-equiv="refresh" content="1">' : "";
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    ...(location !== undefined && { location }),
  });
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>name-worker</title>${goesOn}<pre>${escaped}</pre></html>\n`,
  );
}

await runCommand("name-worker", page, process.argv.slice(2));
