import type { JobbersClient, Queue } from "@jobbers/client";
import { checkName, QUEUE_MAX_LIMIT, type QueuePolicyEdit, quoted } from "@jobbers/core";
import { editorHere } from "../../editor.js";
import { defineCommand } from "../command.js";
import { askFor } from "../confirm.js";
import { doorFlags, withDoor } from "../door.js";
import { flagError, oneOf, wholeNumber } from "../flags.js";
import type { Output } from "../output.js";
import { count } from "../progress-lines.js";
import { inForce, maxText, policyLines } from "../queue-policy.js";
import { showTime, table } from "../table.js";

const actions = ["list", "show", "pause", "resume", "drain", "set", "obliterate"] as const;

const priorities = ["strict", "weighted", "default"] as const;

interface Given {
  readonly action?: string | undefined;
  readonly name?: string | undefined;
  readonly max?: string | undefined;
  readonly priority?: string | undefined;
  readonly confirm?: string | undefined;
}

/** `jobbers queues`: how much waits where, and what steers it. */
export const queues = defineCommand({
  name: "queues",
  description: "List the queues, show one, pause, resume, drain or set it, or remove what waits in it",
  args: {
    action: {
      type: "positional",
      description: "list (default), show, pause, resume, drain, set or obliterate",
      required: false,
    },
    name: { type: "positional", description: "The queue", required: false },
    max: { type: "string", valueHint: "N", description: "set: at most N ready steps; or none, or default" },
    priority: {
      type: "string",
      valueHint: "ORDER",
      description: "set: strict or weighted, how its priorities share what is taken; or default",
    },
    confirm: { type: "string", valueHint: "NAME", description: "obliterate: the queue's name once more" },
    ...doorFlags,
  },
  examples: [
    "jobbers queues",
    "jobbers queues --json | jq 'map(.ready) | add'",
    "jobbers queues pause crawl",
    "jobbers queues set crawl --max 10000 --priority weighted",
    "jobbers queues obliterate crawl --confirm crawl",
  ],
  async run({ args, output }) {
    const given: Given = args;
    const action = oneOf(given.action ?? "list", "ACTION", actions);
    checkGiven(given, action);
    const name = given.name ?? "";
    const policy = policyOf(given);
    return withDoor(args, "look", async ({ client, where }) => {
      if (action === "list") return list(client, output, where);
      if (action === "obliterate") return obliterate(client, name, given.confirm, output);
      const queue = client.queue(name);
      const by = editorHere();
      if (action === "show") return show(await queue.read(), output);
      if (action === "set") return show(await queue.set({ ...policy, by }), output);
      return show(await queue[action]({ by }), output);
    });
  },
});

/** What is given has to make sense together. */
function checkGiven({ name, max, priority, confirm }: Given, action: (typeof actions)[number]): void {
  if (action === "list" && name !== undefined) throw flagError(`list takes no queue; show ${name} shows one`);
  if (action !== "list" && name === undefined)
    throw flagError(`${action} takes a queue, as in: jobbers queues ${action} crawl`);
  if (name !== undefined) checkName(name, "queue");
  const [one] = [max === undefined ? [] : ["--max"], priority === undefined ? [] : ["--priority"]].flat();
  if (action === "set" && one === undefined)
    throw flagError("set takes --max N, none or default, or --priority strict, weighted or default");
  if (action !== "set" && one !== undefined) throw flagError(`${one} goes with set`);
  if (confirm !== undefined && action !== "obliterate") throw flagError("--confirm goes with obliterate");
}

function policyOf({ max, priority }: Given): QueuePolicyEdit {
  return {
    ...(max !== undefined && { max: maxOf(max) }),
    ...(priority !== undefined && { priority: oneOf(priority, "--priority", priorities) }),
  };
}

function maxOf(text: string): number | "none" | "default" {
  return text === "none" || text === "default" ? text : wholeNumber(text, "--max", 1, QUEUE_MAX_LIMIT);
}

async function list(client: JobbersClient, output: Output, where: string): Promise<number> {
  const found = await client.queues();
  output.printJson(found);
  if (found.length === 0) output.note(`there is no queue at ${where} yet`);
  else
    output.print(
      table(["QUEUE", "READY", "RUNNING", "WORKERS", "MAX", "PRIORITY", "STATE"], found.map(rowOf)),
    );
  return 0;
}

function rowOf(queue: Queue): string[] {
  const { name, ready, running, workers, settings } = queue;
  const max = settings ? inForce(settings, "max", maxText) : "-";
  const priority = settings ? inForce(settings, "priority", (order) => order) : "-";
  return [name, count(ready), count(running), count(workers), max, priority, stateOf(queue)];
}

/** What steers it, or what is wrong with it. */
function stateOf({ ready, running, workers, settings }: Queue): string {
  const isDrained = ready === 0 && running === 0;
  const states = [
    settings?.paused && "paused",
    settings?.draining && (isDrained ? "drained" : "draining"),
    ready > 0 && workers === 0 && "orphaned",
  ].filter((state) => typeof state === "string");
  return states.length === 0 ? "open" : states.join(", ");
}

function show(queue: Queue, output: Output): number {
  output.printJson(queue);
  const { name, ready, running, workers, settings } = queue;
  const lines = [
    `${name}: ${stateOf(queue)}`,
    `  ready ${count(ready)}, running ${count(running)}, served by ${count(workers)}`,
  ];
  if (settings) lines.push(...policyLines(settings));
  if (settings?.editedAtMs !== undefined)
    lines.push(
      `  edited by ${settings.editedBy}, ${showTime(settings.editedAtMs)} (version ${settings.version})`,
    );
  output.print(lines.join("\n"));
  return 0;
}

async function obliterate(
  client: JobbersClient,
  name: string,
  said: string | undefined,
  output: Output,
): Promise<number> {
  const queue = client.queue(name);
  const { ready } = await queue.read();
  const question = `This cancels all ${count(ready)} steps that wait in queue ${name}, and so their runs. Its name, to go on:`;
  const confirmed = said ?? (await askFor(question, `--confirm ${name}`));
  if (confirmed !== name)
    throw flagError(`${quoted(confirmed)} is not the name of queue ${quoted(name)}; nothing was removed`);
  const removed = await queue.obliterate(confirmed);
  output.printJson({ name, removed });
  output.print(
    `removed ${count(removed)} ${removed === 1 ? "step" : "steps"} from queue ${name}; what runs goes on`,
  );
  return 0;
}
