import { z } from "zod";
import type { LicenceFinding } from "./licence-finding.js";
import type { Manifest } from "./manifest.js";
import type { PackageEntry } from "./package-list.js";

/** Something about a package that a person should see; a `note` is only worth knowing and is not counted. */
export const problem = z.object({
  kind: z.enum([
    "missing",
    "broken",
    "version differs",
    "unresolved dependency",
    "licences disagree",
    "no licence",
    "unknown licence",
    "not installed",
    "licence guessed",
    "licence variant",
    "text unrecognised",
  ]),
  severity: z.enum(["problem", "note"]),
  message: z.string(),
});
export type Problem = z.infer<typeof problem>;
export type ProblemKind = Problem["kind"];

/** All that is to be said about one package, gravest first. */
export function problemsOf(entry: PackageEntry, manifest: Manifest, licence: LicenceFinding): Problem[] {
  return [
    ...presence(entry, manifest),
    ...dependencies(entry),
    ...(manifest.state === "missing" ? [] : licences(licence)),
  ];
}

function presence(entry: PackageEntry, manifest: Manifest): Problem[] {
  if (manifest.state === "broken") return [grave("broken", manifest.detail ?? "package.json cannot be used")];
  if (manifest.state === "missing") return [absence(entry)];
  if (manifest.version === undefined || entry.version === "" || manifest.version === entry.version) return [];
  const message = `version ${manifest.version} is installed, the lockfile says ${entry.version}: run \`npm ci\``;
  return [grave("version differs", message)];
}

function absence(entry: PackageEntry): Problem {
  if (entry.optional) {
    const reason = entry.platform === undefined ? "optional" : `optional, only for ${entry.platform}`;
    return note("not installed", `not installed: ${reason}`);
  }
  if (entry.dev) return note("not installed", "not installed: needed for development only");
  if (entry.peer) return note("not installed", "not installed: a peer dependency");
  return grave("missing", "the lockfile lists it, but it is not in node_modules: run `npm ci`");
}

function dependencies({ unresolved }: PackageEntry): Problem[] {
  if (unresolved.length === 0) return [];
  return [
    grave("unresolved dependency", `asks for ${unresolved.join(", ")}, which the lockfile does not have`),
  ];
}

function licences(licence: LicenceFinding): Problem[] {
  const { stated, declared, concluded, corrected, verdict, policy } = licence;
  const files = licence.files.join(", ");
  const texts = licence.texts.join(" and ");
  const found: Problem[] = [];
  if (verdict === "none") {
    return [grave("no licence", "no licence is stated, and no licence file was recognised")];
  }
  if (verdict === "disagree") {
    found.push(grave("licences disagree", `${stated} is stated, the text of ${files} is ${texts}`));
  }
  if (policy === "unknown") {
    const message = `“${concluded ?? stated}” has no policy class: a person must read it`;
    found.push(grave("unknown licence", message));
  }
  if (verdict === "text only") {
    const words = stated === null ? "none is stated" : `“${stated}” is stated`;
    found.push(note("licence guessed", `${words}; taken from the text of ${files}: ${texts}`));
  } else if (corrected) {
    found.push(note("licence guessed", `“${stated}” was read as ${declared}`));
  }
  if (verdict === "variant") found.push(note("licence variant", `${stated} is stated, the text is ${texts}`));
  if (verdict === "unrecognised") {
    found.push(note("text unrecognised", `${files} has the text of no licence on the SPDX list`));
  }
  return found;
}

function grave(kind: ProblemKind, message: string): Problem {
  return { kind, severity: "problem", message };
}

function note(kind: ProblemKind, message: string): Problem {
  return { kind, severity: "note", message };
}
