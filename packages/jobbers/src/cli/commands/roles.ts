import type { JobbersClient, Role, RoleEdit } from "@jobbers/client";
import { checkName, quoted } from "@jobbers/core";
import { editorHere } from "../../editor.js";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { flagError, oneOf } from "../flags.js";
import type { Output } from "../output.js";
import { count } from "../progress-lines.js";
import { showTime, table } from "../table.js";

const actions = ["list", "show", "set", "delete"] as const;

interface Given {
  readonly action?: string | undefined;
  readonly name?: string | undefined;
  readonly queues?: string | undefined;
  readonly concurrency?: string | undefined;
}

/** `jobbers roles`: which queues the workers of a role serve, and how much of them at once. */
export const roles = defineCommand({
  name: "roles",
  description: "List the roles, show one with its edits, make or edit one, or delete it",
  args: {
    action: { type: "positional", description: "list (default), show, set or delete", required: false },
    name: { type: "positional", description: "The role", required: false },
    queues: {
      type: "string",
      valueHint: "A=3,B=1",
      description: "set: its queues with their weights; without a weight 1",
    },
    concurrency: {
      type: "string",
      valueHint: "N",
      description: "set: how many steps its workers together may run at once, or none for any number",
    },
    ...doorFlags,
  },
  examples: [
    "jobbers roles",
    "jobbers roles set crawler --queues crawl=3,mail=1",
    "jobbers roles set crawler --concurrency 50",
    "jobbers roles show crawler",
  ],
  async run({ args, output }) {
    const given: Given = args;
    const action = oneOf(given.action ?? "list", "ACTION", actions);
    const { name, edit } = checkGiven(given, action);
    return withDoor(args, "look", async ({ client, where }) => {
      if (action === "list") return list(client, output, where);
      if (action === "show") return show(client, name, output);
      if (action === "delete") return remove(client, name, output);
      const role = await client.roles.set(name, edit, { by: editorHere() });
      output.printJson(role);
      output.print(table(HEAD, [rowOf(role)]));
      return 0;
    });
  },
});

/** What is given has to make sense together. */
function checkGiven({ name, queues, concurrency }: Given, action: (typeof actions)[number]) {
  if (action === "list" && name !== undefined) throw flagError(`list takes no role; show ${name} shows one`);
  if (action !== "list" && name === undefined)
    throw flagError(`${action} takes a role, as in: jobbers roles ${action} crawler`);
  const isEdit = queues !== undefined || concurrency !== undefined;
  if ((action === "set") !== isEdit)
    throw flagError(
      isEdit
        ? "--queues and --concurrency go with set"
        : "set takes --queues, as in crawl=3,mail=1, or --concurrency, as in 50",
    );
  const edit: RoleEdit = { queues: weightsOf(queues), concurrency: capOf(concurrency) };
  return { name: name === undefined ? "" : checkName(name, "role"), edit };
}

function capOf(text: string | undefined): RoleEdit["concurrency"] {
  if (text === undefined || text === "none") return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw flagError(`--concurrency takes a whole number, or none; it is ${quoted(text)}`);
}

function weightsOf(text: string | undefined): Record<string, number> | undefined {
  if (text === undefined) return undefined;
  const entries = text.split(",").map((each): [string, number] => {
    const [queue = "", weight = "1"] = each.trim().split("=");
    const number = weight === "" ? Number.NaN : Number(weight);
    if (Number.isNaN(number))
      throw flagError(`--queues: the weight of ${quoted(queue)} is ${quoted(weight)}; it takes a number`);
    return [checkName(queue, "--queues: queue"), number];
  });
  return Object.fromEntries(entries);
}

const HEAD = ["ROLE", "QUEUES", "RUNNING", "WORKERS", "VERSION", "EDITED", "BY"];

function rowOf(role: Role): string[] {
  const { name, queues, workers, version, editedAtMs, editedBy } = role;
  return [
    ...[name, weightsText(queues), runningText(role), count(workers), String(version)],
    ...[showTime(editedAtMs), editedBy],
  ];
}

/** How many steps its workers run, of how many at most. */
function runningText({ running, concurrency }: Role): string {
  return concurrency === undefined ? count(running) : `${count(running)}/${count(concurrency)}`;
}

function weightsText(queues: Readonly<Record<string, number>>): string {
  return Object.entries(queues)
    .map(([queue, weight]) => `${queue}=${weight}`)
    .join(",");
}

async function list(client: JobbersClient, output: Output, where: string): Promise<number> {
  const found = await client.roles.list();
  output.printJson(found);
  if (found.length === 0) output.note(`there is no role at ${where}; jobbers roles set makes one`);
  else output.print(table(HEAD, found.map(rowOf)));
  return 0;
}

async function show(client: JobbersClient, name: string, output: Output): Promise<number> {
  const found = await client.roles.read(name);
  output.printJson(found);
  const rows = found.versions.map(({ version, queues, concurrency, by, atMs }) => [
    ...[String(version), queues ? weightsText(queues) : "(deleted)"],
    ...[concurrency === undefined ? "-" : count(concurrency), showTime(atMs), by],
  ]);
  output.print(`${name}: ${weightsText(found.queues)}, played by ${count(found.workers)}${atOnce(found)}`);
  output.print(table(["VERSION", "QUEUES", "AT ONCE", "EDITED", "BY"], rows));
  return 0;
}

/** What its workers run, where that is limited. */
function atOnce({ running, concurrency, holders }: Role): string {
  if (concurrency === undefined) return "";
  const who = holders.map(({ worker, running: n }) => `${worker} (${count(n)})`).join(", ");
  return `, running ${count(running)} of ${count(concurrency)} at once${who === "" ? "" : `: ${who}`}`;
}

async function remove(client: JobbersClient, name: string, output: Output): Promise<number> {
  await client.roles.read(name);
  await client.roles.delete(name);
  output.printJson({ name, deleted: true });
  output.print(
    `role ${name} is deleted; workers that have it go on with their queues until they are restarted`,
  );
  return 0;
}
