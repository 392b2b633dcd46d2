import type { Run } from "@jobbers/runs";
import { findRegistered } from "@jobbers/runs";
import { defineCommand, sharedFlags } from "../command.js";
import { EXIT_OTHERWISE } from "../error-report.js";
import { oneOf } from "../flags.js";
import { inputFlag, readInput } from "../input.js";
import type { Output } from "../output.js";
import { startProgress } from "../progress.js";
import { onEndSignals } from "../signals.js";
import { withStore } from "../store.js";

/** `jobbers submit`: hands a run to the workers of a store. */
export const submit = defineCommand({
  name: "submit",
  description: "Submit a run by the name under which a worker registered its dag or task; needs no code",
  args: {
    name: { type: "positional", description: "The name of the dag or task", required: true },
    input: {
      ...inputFlag,
      description: `${inputFlag.description}; checked as JSON only, since the schema is in the worker's code`,
    },
    id: {
      type: "string",
      valueHint: "ULID",
      description: "The run's id; sending the same again is harmless",
    },
    durability: {
      type: "string",
      valueHint: "WORD",
      description: "replica: only done when a replica of the Redis has the run too; default local",
    },
    wait: {
      type: "boolean",
      description: "Wait for the run's end, with live progress, and print its result",
    },
    ...sharedFlags,
  },
  examples: [
    `jobbers submit crawl --input '{"sitemap":"https://example.org/sitemap.xml"}'`,
    "jobbers submit crawl --input @input.json --store redis://127.0.0.1:6379 --durability replica",
    "jobbers submit crawl --input @input.json --wait --json | jq .output",
  ],
  async run({ args, output }) {
    const input = readInput(args.input);
    const durability =
      args.durability === undefined
        ? undefined
        : oneOf(args.durability, "--durability", ["local", "replica"]);
    return withStore(args.store, async (jobbers) => {
      const workflow = await findRegistered(jobbers.store, args.name);
      const run = await jobbers.submit(workflow, input, { id: args.id, durability });
      if (args.wait) return waitFor(run, output);
      output.printJson({ id: run.id, state: (await run.status()).state });
      output.print(run.id);
      return 0;
    });
  },
});

async function waitFor(run: Run, output: Output): Promise<number> {
  output.note(`run ${run.id}`);
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  const stopListening = onEndSignals({ drain: leave, leave });
  const view = startProgress(run, output);
  try {
    const result = await run.result({ signal: leaving.signal });
    await view.stop();
    output.printJson({ id: run.id, state: "succeeded", output: result });
    output.print(JSON.stringify(result, null, 2));
    return 0;
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    output.note(`the run goes on without this command; jobbers show ${run.id} tells how far it is`);
    output.printJson({ id: run.id, state: (await run.status()).state });
    return EXIT_OTHERWISE;
  } finally {
    await view.stop();
    stopListening();
  }
}
