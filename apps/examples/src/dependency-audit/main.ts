// `npm start`: a server, a worker, and an audit of the dependencies of this repository, or of another npm project.
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Jobbers, JobbersError, type OutputOf, ulid } from "jobbers";
import {
  checkRunId,
  defineCommand,
  EXIT_OTHERWISE,
  executeRun,
  flagError,
  type Output,
  onEndSignals,
  runCommand,
  sharedFlags,
  signalExitCode,
  wholeNumber,
  withStore,
} from "jobbers/cli";
import { type ClientRun, createClient, JobbersHttpError } from "jobbers/client";
import { DEFAULT_PORT, type JobbersServer, startServer } from "jobbers/server";
import { dependencyAudit } from "./dag.js";

type Audit = OutputOf<typeof dependencyAudit>;
interface Place {
  readonly dir: string;
  readonly out: string;
}

type Flags = Readonly<Partial<Record<"dir" | "out" | "store", string | undefined>>>;

const CONCURRENCY = 16;

/** Where npm was called; it starts scripts in the repository's root, wherever that was. */
const caller = process.env.INIT_CWD ?? process.cwd();
const repository = fileURLToPath(new URL("../../../../", import.meta.url));

const audit = defineCommand({
  name: "--",
  description:
    "Audits an npm project: an SBOM, licences, duplicates, sizes, and one page that shows them all",
  args: {
    dir: {
      type: "string",
      valueHint: "PATH",
      description: "The project, with package-lock.json and node_modules (default: this repository)",
    },
    out: {
      type: "string",
      valueHint: "DIR",
      description: "Where the reports go (default: ./.jobbers/reports/)",
    },
    id: {
      type: "string",
      valueHint: "ULID",
      description: "The run's id; that of an interrupted audit goes on with it",
    },
    port: {
      type: "string",
      valueHint: "N",
      description: `Where the API listens on 127.0.0.1 (default: ${DEFAULT_PORT}, or the next free port)`,
    },
    exit: { type: "boolean", description: "End with the audit's result, instead of staying up" },
    ...sharedFlags,
  },
  examples: ["npm start", "npm start -- --dir ../my-app --out ./my-app-reports --exit"],
  async run({ args, output }) {
    const place = placeOf(args);
    const port = args.port === undefined ? undefined : wholeNumber(args.port, "--port", 0, 65_535);
    const id = args.id === undefined ? ulid() : checkRunId(args.id);
    return withStore(args, async (jobbers) => {
      const server = await startSomewhere(jobbers, port, output);
      await using worker = jobbers.worker({ workflows: [dependencyAudit], concurrency: CONCURRENCY });
      try {
        // It registers the dag, of which the server has no code.
        await worker.start();
        const run = await submit(server.url, place, id);
        output.note(
          `Auditing ${place.dir}\nRun ${id}, submitted to ${server.url} (pid ${process.pid}), is kept at ${jobbers.store.url}`,
        );
        const executed = await executeRun({ run, worker, stays: !args.exit, output });
        if (executed.status === "interrupted") {
          output.note(`The audit has not ended. Go on with: ${commandFor(id, args)}`);
          output.printJson({ id, state: (await run.status()).state });
          return EXIT_OTHERWISE;
        }
        output.printJson({ id, state: "succeeded", output: executed.result, out: place.out });
        output.print(summaryOf(executed.result, place.out));
        return args.exit ? 0 : await stayUp(server, id, output);
      } finally {
        await server.stop();
      }
    });
  },
});

/** Starts the API; where nobody has chosen a port and the usual one is taken, at the next that is free. */
async function startSomewhere(
  { store }: Jobbers,
  port: number | undefined,
  output: Output,
): Promise<JobbersServer> {
  if (port !== undefined) return startServer({ store, port });
  for (let next = DEFAULT_PORT; ; next++) {
    try {
      const server = await startServer({ store, port: next });
      if (next > DEFAULT_PORT) output.note(`Port ${DEFAULT_PORT} is taken; ${next} is used instead.`);
      return server;
    } catch (error) {
      if (next === DEFAULT_PORT + 20 || !isTaken(error)) throw error;
    }
  }
}

const isTaken = (error: unknown) =>
  ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";

async function submit(url: string, place: Place, id: string): Promise<ClientRun<Audit>> {
  const client = createClient<{ "dependency-audit": typeof dependencyAudit }>({ url });
  try {
    return await client.submit("dependency-audit", place, { id });
  } catch (error) {
    if (!(error instanceof JobbersHttpError) || error.code !== "run-conflict") throw error;
    const problem = `run ${id} audits another project or writes elsewhere; give the same --dir and --out as before, or no --id`;
    throw new JobbersError("run-conflict", problem, { cause: error });
  }
}

/** Goes on as a server with a worker, so that more can be submitted, until a signal asks it to leave. */
async function stayUp({ url }: JobbersServer, id: string, output: Output): Promise<number> {
  output.note(
    [
      `\nThe server stays up at ${url} until Ctrl-C. Look at the run, or at what else it can do:`,
      `  npx jobbers show ${id} --url ${url}`,
      `  curl ${url}/v1/runs/${id}`,
      `  ${url}/docs`,
    ].join("\n"),
  );
  await new Promise<void>((resolve) => {
    onEndSignals({ drain: () => resolve(), leave: (signal) => process.exit(signalExitCode(signal)) });
  });
  output.note("Leaving; nothing was lost.");
  return 0;
}

function placeOf(args: Flags): Place {
  const dir = args.dir === undefined ? resolve(repository) : resolve(caller, args.dir);
  const found = statSync(dir, { throwIfNoEntry: false });
  if (!found) throw flagError(`--dir names ${dir}, which does not exist`);
  if (!found.isDirectory()) throw flagError(`--dir names ${dir}, which is no directory`);
  return { dir, out: args.out === undefined ? resolve(".jobbers/reports") : resolve(caller, args.out) };
}

/** The command that goes on with this audit. */
function commandFor(id: string, args: Flags): string {
  const flags = (["dir", "out", "store"] as const).flatMap((name) => {
    const value = args[name];
    return value === undefined ? [] : [`--${name} ${/^[\w./:@-]+$/.test(value) ? value : `'${value}'`}`];
  });
  return ["npm start -- --id", id, ...flags].join(" ");
}

function summaryOf({ files, packages, problems }: Audit, out: string): string {
  const duplicates = countDuplicates(join(out, "duplicates.json"));
  const figures = [
    counted(packages, "package"),
    counted(problems, "problem"),
    ...(duplicates === undefined ? [] : [`${counted(duplicates, "package")} in several versions`]),
  ];
  const lines = files.map((file) => `  ${join(out, file)}`);
  return [figures.join(", "), "Reports:", ...lines, `Open ${pathToFileURL(join(out, "report.html"))}`].join(
    "\n",
  );
}

/** How many packages there are in several versions; unknown when the report was moved away since. */
function countDuplicates(file: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { duplicates: unknown[] }).duplicates.length;
  } catch {
    return undefined;
  }
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

await runCommand("npm start", audit, process.argv.slice(2));
