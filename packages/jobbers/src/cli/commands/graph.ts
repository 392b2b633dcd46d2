import { toMermaid } from "@jobbers/core";
import { jsonText } from "../clean-text.js";
import { defineCommand, sharedFlags } from "../command.js";
import { flagError, oneOf } from "../flags.js";
import { chooseWorkflow, loadWorkflowFiles } from "../workflow-files.js";

/** `jobbers graph`: draws a plan before it ever ran. */
export const graph = defineCommand({
  name: "graph",
  description: "Draw the graph of a dag or task",
  args: {
    file: { type: "positional", description: "The module that exports it", required: true },
    name: { type: "positional", description: "The name of the dag or task", required: true },
    format: {
      type: "string",
      valueHint: "FORMAT",
      description: "mermaid or json (the plan itself); default: mermaid",
    },
    json: sharedFlags.json,
  },
  examples: [
    "jobbers graph workflows/crawl.ts crawl",
    "jobbers graph workflows/crawl.ts crawl --format json > plan.json",
  ],
  async run({ args, output }) {
    const format = oneOf(args.format ?? (args.json ? "json" : "mermaid"), "--format", ["mermaid", "json"]);
    if (args.json && format !== "json") throw flagError("--json and --format mermaid exclude each other");
    const { plan } = chooseWorkflow(await loadWorkflowFiles([args.file]), args.name);
    output.printJson(plan);
    output.print(format === "mermaid" ? toMermaid(plan) : jsonText(plan, 2));
    return 0;
  },
});
