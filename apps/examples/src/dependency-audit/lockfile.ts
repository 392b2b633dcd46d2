import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AuditError, isAbsent, systemCode } from "./audit-error.js";

const ranges = z.record(z.string(), z.string()).optional();
const words = z.union([z.string().transform((word) => [word]), z.array(z.string())]).optional();

/** One entry of the lockfile's `packages`; npm writes more than is read here. */
const lockEntry = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  resolved: z.union([z.string(), z.boolean()]).optional(),
  integrity: z.string().optional(),
  license: z.unknown().optional(),
  link: z.boolean().optional(),
  dev: z.boolean().optional(),
  optional: z.boolean().optional(),
  devOptional: z.boolean().optional(),
  peer: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  os: words,
  cpu: words,
  libc: words,
  dependencies: ranges,
  devDependencies: ranges,
  optionalDependencies: ranges,
  peerDependencies: ranges,
});
export type LockEntry = z.infer<typeof lockEntry>;

/** A project's lockfile, its entries by their path inside the project. */
export interface Lockfile {
  readonly file: string;
  readonly name: string | undefined;
  readonly version: number;
  readonly entries: ReadonlyMap<string, LockEntry>;
}

// npm reads the first when both are there, and so does the audit.
const LOCKFILES = ["npm-shrinkwrap.json", "package-lock.json"];
const FOREIGN = ["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"];

/** Reads the lockfile of the project in `dir`; every way this can fail is an {@link AuditError} that says what to do. */
export async function readLockfile(dir: string): Promise<Lockfile> {
  const names = await projectFiles(dir);
  const file = LOCKFILES.find((name) => names.includes(name));
  if (file === undefined) throw new AuditError(noLockfile(names));
  const document = parse(file, await readFile(join(dir, file), "utf8"));
  const entries = new Map(
    Object.entries(document.packages).map(([path, entry]) => [path, checked(file, path, entry)]),
  );
  const expectsFolder = [...entries.keys()].some(isInstallPath);
  if (expectsFolder && !names.includes("node_modules")) {
    throw new AuditError("there is no node_modules folder in the project: run `npm ci` in it first");
  }
  return { file, name: document.name, version: document.lockfileVersion, entries };
}

/** Whether a lockfile path is a place in some node_modules folder, as opposed to the project or a workspace. */
export function isInstallPath(path: string): boolean {
  return /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path);
}

async function projectFiles(dir: string): Promise<string[]> {
  try {
    if (!(await stat(dir)).isDirectory())
      throw new AuditError(`${dir} is a file: name the folder of an npm project`);
    return await readdir(dir);
  } catch (error) {
    if (error instanceof AuditError) throw error;
    if (isAbsent(error)) throw new AuditError(`there is no folder ${dir}: name the folder of an npm project`);
    throw new AuditError(`the folder ${dir} cannot be read (${systemCode(error) ?? "unknown reason"})`);
  }
}

function noLockfile(names: readonly string[]): string {
  const foreign = FOREIGN.find((name) => names.includes(name));
  if (foreign !== undefined) {
    return `there is ${foreign} but no package-lock.json: the audit reads npm's lockfile only; install with npm first`;
  }
  if (names.includes("package.json")) {
    return "there is no package-lock.json: run `npm install` in the project first, which writes it";
  }
  return "there is neither package-lock.json nor package.json: this folder is not an npm project";
}

const lockfileDocument = z.object({
  name: z.string().optional(),
  lockfileVersion: z.number(),
  packages: z.record(z.string(), z.unknown()),
});

function parse(file: string, text: string): z.infer<typeof lockfileDocument> {
  const advice = "restore it from version control, or delete it and run `npm install`";
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AuditError(`${file} is not JSON (${reason}): ${advice}`);
  }
  if (typeof json === "object" && json !== null && "lockfileVersion" in json && json.lockfileVersion === 1) {
    throw new AuditError(
      `${file} has lockfileVersion 1, which does not say what is installed where: ` +
        "run `npm install --package-lock-only` with npm 7 or newer, which rewrites it",
    );
  }
  const result = lockfileDocument.safeParse(json);
  if (!result.success) throw new AuditError(`${file} is not a lockfile (${issue(result.error)}): ${advice}`);
  return result.data;
}

function checked(file: string, path: string, entry: unknown): LockEntry {
  const result = lockEntry.safeParse(entry);
  if (!result.success)
    throw new AuditError(`${file} has a malformed entry "${path}" (${issue(result.error)})`);
  return result.data;
}

function issue(error: z.ZodError): string {
  const [first] = error.issues;
  return first === undefined ? "malformed" : `${first.path.join(".") || "top level"}: ${first.message}`;
}
