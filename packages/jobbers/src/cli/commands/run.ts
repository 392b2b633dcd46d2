import { jsonText } from "../clean-text.js";
import { defineCommand, sharedFlags } from "../command.js";
import { EXIT_OTHERWISE } from "../error-report.js";
import { executeRun } from "../execute.js";
import { wholeNumber } from "../flags.js";
import { inputFlag, readInput } from "../input.js";
import { withStore } from "../store.js";
import { chooseWorkflow, loadFiles } from "../workflow-files.js";

/** `jobbers run`: executes one run in this process. */
export const run = defineCommand({
  name: "run",
  description: "Execute a dag or task in this process, with live progress, and print its result",
  args: {
    name: { type: "positional", description: "The name of the dag or task", required: true },
    files: {
      type: "positional",
      description: "Modules that export it, and whatever else this process may run",
      required: true,
    },
    input: inputFlag,
    id: {
      type: "string",
      valueHint: "ULID",
      description: "The run's id; with the id of a run that was interrupted, goes on with that run",
    },
    concurrency: { type: "string", valueHint: "N", description: "How many steps run at once; default 10" },
    ...sharedFlags,
  },
  examples: [
    `jobbers run crawl workflows/crawl.ts --input '{"sitemap":"https://example.org/sitemap.xml"}'`,
    "jobbers run crawl workflows/crawl.ts --input @input.json --id 01KADGN2Q7ZJ4M3V8XW5T9R6BC",
    "jobbers run crawl dist/crawl.js --store memory: --json | jq .output",
  ],
  async run({ args, positionals, output }) {
    const [name, ...files] = positionals as [string, ...string[]];
    const concurrency =
      args.concurrency === undefined ? undefined : wholeNumber(args.concurrency, "--concurrency");
    const input = readInput(args.input);
    const { workflows, queues } = await loadFiles(files);
    const workflow = chooseWorkflow(workflows, name);
    return withStore({ ...args, queues }, async (jobbers) => {
      const submitted = await jobbers.submit(workflow, input, { id: args.id });
      output.note(`run ${submitted.id} of ${name} at ${jobbers.store.url}`);
      const worker = jobbers.worker({ workflows: [...workflows.values()], concurrency });
      const executed = await executeRun({ run: submitted, worker, output });
      if (executed.status === "interrupted") {
        output.note(`the run has not ended; the same command with --id ${submitted.id} goes on with it`);
        output.printJson({ id: submitted.id, state: (await submitted.status()).state });
        return EXIT_OTHERWISE;
      }
      output.printJson({ id: submitted.id, state: "succeeded", output: executed.result });
      output.print(jsonText(executed.result, 2));
      return 0;
    });
  },
});
