import { checkName, checkRunId, durationMs } from "@jobbers/core";
import { jsonText } from "../clean-text.js";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { flagError, moment, oneOf, wholeNumber } from "../flags.js";
import { inputFlag, readInput } from "../input.js";
import { type AskedKeys, keyFlags, keyOptionsOf } from "../key-flags.js";
import { startProgress } from "../progress.js";
import { awaitEnd, tellLeft } from "../run-end.js";

/** `jobbers submit`: hands a run to the workers of a store. */
export const submit = defineCommand({
  name: "submit",
  description: "Submit a run by the name under which a worker registered its dag or task; needs no code",
  args: {
    name: { type: "positional", description: "The name of the dag or task", required: true },
    input: inputFlag,
    id: {
      type: "string",
      valueHint: "ULID",
      description: "The run's id; sending the same again is harmless",
    },
    priority: { type: "string", valueHint: "N", description: "0 to 9, higher first; default 5" },
    delay: { type: "string", valueHint: "TIME", description: "Start the run so much later: 30s, 5m, 2h, 1d" },
    "run-at": {
      type: "string",
      valueHint: "TIME",
      description: "Start the run at this moment: 2026-11-21T16:00:00Z",
    },
    deadline: {
      type: "string",
      valueHint: "TIME",
      description: "Have the run fail where it is not over so long after its submission: 30s, 5m, 2h, 1d",
    },
    tag: {
      type: "string",
      valueHint: "TEXT",
      description: "A label to find the run by; may be given several times",
    },
    durability: {
      type: "string",
      valueHint: "WORD",
      description: "replica: only done when a replica of the Redis has the run too; default local",
    },
    ...keyFlags,
    wait: {
      type: "boolean",
      description: "Wait for the run's end, with live progress, and print its result",
    },
    ...doorFlags,
  },
  examples: [
    `jobbers submit crawl --input '{"sitemap":"https://example.org/sitemap.xml"}'`,
    "jobbers submit crawl --input @input.json --url http://127.0.0.1:8700 --delay 10m --tag nightly --tag eu",
    "jobbers submit crawl --input @input.json --store redis://127.0.0.1:6379 --durability replica",
    "jobbers submit charge --input @order.json --idempotency-key order-17",
    "jobbers submit reindex --input @page.json --debounce 5s --key page-3",
    "jobbers submit crawl --input @input.json --wait --json | jq .output",
  ],
  async run({ args, all, output }) {
    const name = checkName(args.name, "the name");
    const input = readInput(args.input);
    const options = optionsOf(args, all("tag"));
    return withDoor(args, "make", async ({ client }) => {
      const run = await client.submit(name, input, options);
      if (!args.wait) {
        output.printJson({ id: run.id, state: (await run.status()).state });
        output.print(run.id);
        return 0;
      }
      output.note(`run ${run.id}`);
      const end = await awaitEnd(run, output, () => startProgress(run, output));
      if (end.state === "left") return tellLeft(run, output);
      output.printJson({ id: run.id, ...end });
      output.print(jsonText(end.output, 2));
      return 0;
    });
  },
});

interface Asked extends AskedKeys {
  readonly id?: string | undefined;
  readonly priority?: string | undefined;
  readonly delay?: string | undefined;
  readonly "run-at"?: string | undefined;
  readonly deadline?: string | undefined;
  readonly durability?: string | undefined;
}

function optionsOf(asked: Asked, tags: readonly string[]) {
  const { id, priority, delay, "run-at": runAt, deadline, durability } = asked;
  if (delay !== undefined && runAt !== undefined) throw flagError("--delay and --run-at exclude each other");
  return {
    id: id === undefined ? undefined : checkRunId(id),
    priority: priority === undefined ? undefined : wholeNumber(priority, "--priority", 0, 9),
    delay: delay === undefined ? undefined : durationMs(delay as `${number}s`, "--delay", "flag-invalid"),
    runAt: runAt === undefined ? undefined : moment(runAt, "--run-at"),
    deadline:
      deadline === undefined ? undefined : durationMs(deadline as `${number}s`, "--deadline", "flag-invalid"),
    tags: tags.length === 0 ? undefined : tags,
    ...keyOptionsOf(asked),
    durability:
      durability === undefined ? undefined : oneOf(durability, "--durability", ["local", "replica"]),
  };
}
