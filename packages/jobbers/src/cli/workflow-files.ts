import { statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type AnyWorkflow,
  isQueues,
  JobbersError,
  type QueueOptions,
  type Queues,
  queueDefaultsOf,
  quoted,
} from "@jobbers/core";
import {
  createModuleLoader,
  innerExports,
  isTypescript,
  type LoadModule,
  typescriptEndings,
  workflowsIn,
} from "@jobbers/worker";

/** The tasks and dags that workflow files export, by name. */
export type WorkflowsByName = ReadonlyMap<string, AnyWorkflow>;

const javascript = [".js", ".mjs", ".cjs"];

/** What workflow files export. */
export interface LoadedFiles {
  readonly workflows: WorkflowsByName;
  /** What they say of queues, where they do. */
  readonly queues: Queues | undefined;
}

/** The tasks and dags that workflow files export, as {@link loadFiles} does it. */
export async function loadWorkflowFiles(files: readonly string[]): Promise<WorkflowsByName> {
  return (await loadFiles(files)).workflows;
}

/**
 * Loads workflow files (TypeScript or JavaScript modules) and collects the tasks and dags that they export, and what they say of queues.
 *
 * @param onImport told the URL of each module that is loaded through tsx, as all are where somebody wants to know
 * @throws JobbersError `workflow-file-invalid` naming the file and the cause
 */
export async function loadFiles(
  files: readonly string[],
  onImport?: (url: string) => void,
): Promise<LoadedFiles> {
  const queues = new Map<string, KnownQueue>();
  const found = new Map<string, { workflow: AnyWorkflow; file: string }>();
  const hrefs = files.map(hrefOf);
  const load = await createModuleLoader(onImport !== undefined || files.some(isTypescript), onImport);
  for (const [i, file] of files.entries()) {
    const module = await importFile(file, hrefs[i] as string, load);
    const exported = workflowsIn(module);
    const said = queuesIn(module);
    if (exported.length === 0 && said.length === 0) throw fileError(file, "exports no task and no dag");
    for (const each of said) collect(queues, file, each);
    for (const workflow of exported) {
      const other = found.get(workflow.name);
      if (other && other.workflow !== workflow && !isSame(other.workflow, workflow)) {
        throw fileError(
          file,
          `exports another ${quoted(workflow.name)} than ${other.file}; names must be unique`,
        );
      }
      found.set(workflow.name, { workflow, file });
    }
  }
  return {
    workflows: new Map([...found].map(([name, { workflow }]) => [name, workflow])),
    queues:
      queues.size === 0
        ? undefined
        : Object.fromEntries([...queues].map(([name, { options }]) => [name, options])),
  };
}

function queuesIn(module: Record<string, unknown>): Queues[] {
  return [...new Set([...Object.values(module), ...Object.values(innerExports(module))].filter(isQueues))];
}

/** One queue is set by one file, or by all in the same way: two that are loaded apart may import a third. */
function collect(known: Map<string, KnownQueue>, file: string, queues: Queues): void {
  for (const [name, options] of Object.entries(queues)) {
    const said = JSON.stringify(queueDefaultsOf({ [name]: options }));
    const other = known.get(name);
    if (other && other.said !== said)
      throw fileError(file, `says something else of queue ${quoted(name)} than ${other.file}`);
    known.set(name, { options, said, file });
  }
}

interface KnownQueue {
  readonly options: QueueOptions;
  readonly said: string;
  readonly file: string;
}

/**
 * Finds a workflow by its name (the one that it was defined with, not the one that it is exported under).
 *
 * @throws JobbersError `workflow-unknown` listing what there is
 */
export function chooseWorkflow(workflows: WorkflowsByName, name: string): AnyWorkflow {
  const workflow = workflows.get(name);
  if (workflow) return workflow;
  const known = [...workflows.keys()].map(quoted).join(", ");
  throw new JobbersError(
    "workflow-unknown",
    `the files export no task or dag ${quoted(name)}; they export ${known}`,
  );
}

async function importFile(file: string, href: string, load: LoadModule): Promise<Record<string, unknown>> {
  try {
    return await load(href);
  } catch (cause) {
    throw fileError(file, `threw while it was loaded: ${describe(cause)}`, cause);
  }
}

function hrefOf(file: string): string {
  const path = resolve(file);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw fileError(file, "does not exist");
  if (found.isDirectory()) throw fileError(file, "is a directory");
  const known = [...typescriptEndings, ...javascript];
  if (!known.includes(extensionOf(file)))
    throw fileError(file, `is no module; its name should end in ${known.join(", ")}`);
  return pathToFileURL(path).href;
}

function extensionOf(file: string): string {
  return extname(file).toLowerCase();
}

/** True for one definition that was loaded twice, as by two files that are loaded apart and import a third. */
function isSame(one: AnyWorkflow, other: AnyWorkflow): boolean {
  return one.kind === other.kind && one.version === other.version;
}

/** A short text of whatever a module threw; the first line of code that it points to is the most helpful of its stack. */
function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown).slice(0, 500);
  const place = thrown.stack
    ?.split("\n")
    .find((line) => line.startsWith("    at ") && !/node:|node_modules/.test(line));
  return `${thrown.name}: ${thrown.message.slice(0, 2000)}${place ? `\n${place}` : ""}`;
}

function fileError(file: string, problem: string, cause?: unknown): JobbersError {
  return new JobbersError(
    "workflow-file-invalid",
    `${file} ${problem}`,
    cause === undefined ? {} : { cause },
  );
}
