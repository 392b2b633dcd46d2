import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { AnyTask, AnyWorkflow } from "@jobbers/core";

/** Endings of files that tsx has to translate. */
export const typescriptEndings: readonly string[] = [".ts", ".tsx", ".mts", ".cts"];

/** Loads a module by the URL of its file. */
export type LoadModule = (href: string) => Promise<Record<string, unknown>>;

/**
 * How modules of users are imported: by Node.js, or through tsx as soon as one of them is TypeScript. All take the same way, since each
 * way has its own copies of the modules that they share.
 */
export async function createModuleLoader(
  throughTsx: boolean,
  onImport?: (url: string) => void,
): Promise<LoadModule> {
  if (!throughTsx) return (href) => import(href);
  // Loaded late: it starts a compiler, which files in JavaScript have no use for.
  const [esm, cjs] = await Promise.all([import("tsx/esm/api"), import("tsx/cjs/api")]);
  const namespace = "jobbers";
  cjs.register({ namespace });
  const tsx = esm.register({ namespace, ...(onImport && { onImport }) });
  return (href) => tsx.import(href, import.meta.url);
}

/** True for a module in TypeScript. */
export function isTypescript(file: string): boolean {
  const path = file.startsWith("file:") ? fileURLToPath(file) : file;
  return typescriptEndings.includes(extname(path).toLowerCase());
}

/** The workflows among a module's exports; told by their shape, for the file may have a copy of Jobbers of its own. */
export function workflowsIn(module: Record<string, unknown>): AnyWorkflow[] {
  const values = [...Object.values(module), ...Object.values(innerExports(module))];
  return [...new Set(values.filter(isWorkflow))];
}

/** CommonJS modules, and those that tsx makes of TypeScript without "type": "module", hold their exports in their default. */
export function innerExports({ default: inner }: Record<string, unknown>): Record<string, unknown> {
  return typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
}

/** The task of this name that a module exports, by itself or in a dag. */
export function taskIn(module: Record<string, unknown>, name: string): AnyTask | undefined {
  const workflows = workflowsIn(module);
  const own = workflows.find((workflow) => workflow.kind === "task" && workflow.name === name);
  if (own) return own as AnyTask;
  for (const workflow of workflows) {
    const inner = workflow.kind === "dag" ? workflow.tasks.get(name) : undefined;
    if (inner) return inner;
  }
  return undefined;
}

function isWorkflow(value: unknown): value is AnyWorkflow {
  if (typeof value !== "function" || !("kind" in value) || !("plan" in value)) return false;
  const { kind, name, plan } = value as Partial<AnyWorkflow>;
  return (kind === "task" || kind === "dag") && typeof name === "string" && plan?.format === 1;
}
