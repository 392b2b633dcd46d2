import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { isInstallPath, type LockEntry, type Lockfile, readLockfile } from "./lockfile.js";
import { by } from "./order.js";
import { needsOf } from "./resolution.js";

const need = z.object({ path: z.string(), range: z.string() });

/** One package that the lockfile places in a node_modules folder, links left out. */
export const packageEntry = z.object({
  /** Where it lies inside the project, with forward slashes; unique. */
  path: z.string(),
  name: z.string(),
  version: z.string(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  /** What the lockfile repeats of the package's own licence statement. */
  licence: z.string().optional(),
  optional: z.boolean(),
  dev: z.boolean(),
  peer: z.boolean(),
  bundled: z.boolean(),
  /** The platforms it is for, as the lockfile restricts them: `linux x64 musl`. */
  platform: z.string().optional(),
  needs: z.array(need),
  unresolved: z.array(z.string()),
});
export type PackageEntry = z.infer<typeof packageEntry>;

/** A package of the project's own: a workspace, or a folder that a `file:` dependency links to. */
export const workspaceEntry = z.object({
  path: z.string(),
  name: z.string(),
  version: z.string(),
  licence: z.string().optional(),
  needs: z.array(need),
});
export type WorkspaceEntry = z.infer<typeof workspaceEntry>;

/** The project that is audited. */
export const project = z.object({
  name: z.string(),
  version: z.string(),
  licence: z.string().optional(),
  lockfile: z.string(),
  lockfileVersion: z.number(),
  /** How many entries of the lockfile are links to workspaces and folders; they are not counted as packages. */
  links: z.number(),
  needs: z.array(need),
});
export type Project = z.infer<typeof project>;

/** What the lockfile lists: `packages` are the entries under a node_modules folder that are not links. */
export interface PackageList {
  project: Project;
  workspaces: WorkspaceEntry[];
  packages: PackageEntry[];
}

/** Lists the packages of the npm project in `dir` from its lockfile. */
export async function listPackages(dir: string): Promise<PackageList> {
  const lockfile = await readLockfile(dir);
  const { entries } = lockfile;
  const placed = [...entries].sort(by(([path]) => path));
  const links = placed.filter(([, entry]) => entry.link);
  const linkNames = new Map(links.map(([path, entry]) => [entry.resolved, nameAt(path)]));
  return {
    project: await describeProject(dir, lockfile, links.length),
    workspaces: placed
      .filter(([path]) => path !== "" && !isInstallPath(path))
      .map(([path, entry]) => ({
        path,
        name: entry.name ?? linkNames.get(path) ?? basename(path),
        version: entry.version ?? "",
        ...licenceOf(entry),
        needs: needsOf(entries, path, entry).needs,
      })),
    packages: placed
      .filter(([path, entry]) => isInstallPath(path) && !entry.link)
      .map(([path, entry]) => packageAt(lockfile, path, entry)),
  };
}

function packageAt({ entries }: Lockfile, path: string, entry: LockEntry): PackageEntry {
  const platform = [entry.os, entry.cpu, entry.libc].flatMap((words) => words?.join("/") ?? []).join(" ");
  return {
    path,
    name: entry.name ?? nameAt(path),
    version: entry.version ?? "",
    ...(typeof entry.resolved === "string" ? { resolved: entry.resolved } : {}),
    ...(entry.integrity === undefined ? {} : { integrity: entry.integrity }),
    ...licenceOf(entry),
    optional: entry.optional === true || entry.devOptional === true,
    dev: entry.dev === true || entry.devOptional === true,
    peer: entry.peer === true,
    bundled: entry.inBundle === true,
    ...(platform === "" ? {} : { platform }),
    ...needsOf(entries, path, entry),
  };
}

async function describeProject(dir: string, lockfile: Lockfile, links: number): Promise<Project> {
  const root = lockfile.entries.get("") ?? { license: undefined };
  const manifest = await ownManifest(dir);
  return {
    name: manifest.name ?? root.name ?? lockfile.name ?? "unnamed project",
    version: manifest.version ?? root.version ?? "",
    ...licenceOf({ license: manifest.license ?? root.license }),
    lockfile: lockfile.file,
    lockfileVersion: lockfile.version,
    links,
    needs: needsOf(lockfile.entries, "", root).needs,
  };
}

const ownFields = z.object({
  name: z.string().optional().catch(undefined),
  version: z.string().optional().catch(undefined),
  license: z.unknown().optional(),
});

/** The project's own name and version; a project without a readable package.json is still audited. */
async function ownManifest(dir: string): Promise<z.infer<typeof ownFields>> {
  try {
    return ownFields.parse(JSON.parse(await readFile(join(dir, "package.json"), "utf8")));
  } catch {
    return { license: undefined };
  }
}

function licenceOf({ license }: Pick<LockEntry, "license">): { licence?: string } {
  return typeof license === "string" && license.trim() !== "" ? { licence: license } : {};
}

function nameAt(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}
