// `npm start`: audits the dependencies of this repository, or of another npm project.
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Jobbers, JobbersError, type OutputOf, type Run, ulid } from "jobbers";
import {
  defineCommand,
  EXIT_OTHERWISE,
  executeRun,
  flagError,
  runCommand,
  sharedFlags,
  withStore,
} from "jobbers/cli";
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
    exit: {
      type: "boolean",
      description:
        "End when the audit has ended (it always does, as long as there is no server to stay up for)",
    },
    ...sharedFlags,
  },
  examples: ["npm start", "npm start -- --dir ../my-app --out ./my-app-reports"],
  async run({ args, output }) {
    const place = placeOf(args);
    const id = args.id ?? ulid();
    return withStore(args.store, async (jobbers) => {
      const run = await submit(jobbers, place, id);
      output.note(`Auditing ${place.dir}\nRun ${id} at ${jobbers.store.url}`);
      const worker = { workflows: [dependencyAudit], concurrency: CONCURRENCY };
      const executed = await executeRun({ jobbers, run, worker, output });
      if (executed.status === "interrupted") {
        output.note(`The audit has not ended. Go on with: ${commandFor(id, args)}`);
        output.printJson({ id, state: (await run.status()).state });
        return EXIT_OTHERWISE;
      }
      output.printJson({ id, state: "succeeded", output: executed.result, out: place.out });
      output.print(summaryOf(executed.result, place.out));
      return 0;
    });
  },
});

function placeOf(args: Flags): Place {
  const dir = args.dir === undefined ? resolve(repository) : resolve(caller, args.dir);
  const found = statSync(dir, { throwIfNoEntry: false });
  if (!found) throw flagError(`--dir names ${dir}, which does not exist`);
  if (!found.isDirectory()) throw flagError(`--dir names ${dir}, which is no directory`);
  return { dir, out: args.out === undefined ? resolve(".jobbers/reports") : resolve(caller, args.out) };
}

async function submit(jobbers: Jobbers, place: Place, id: string): Promise<Run<Audit>> {
  try {
    return await jobbers.submit(dependencyAudit, place, { id });
  } catch (error) {
    if (!(error instanceof JobbersError) || error.code !== "run-conflict") throw error;
    const problem = `run ${id} audits another project or writes elsewhere; give the same --dir and --out as before, or no --id`;
    throw new JobbersError("run-conflict", problem, { cause: error });
  }
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
