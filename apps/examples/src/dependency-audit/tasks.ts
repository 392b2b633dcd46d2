import { task } from "jobbers";
import { z } from "zod";
import { createBom } from "./cyclonedx.js";
import { duplicate, findDuplicates } from "./duplicates.js";
import { findLicence, type LicenceKnowledge, licenceFinding } from "./licence-finding.js";
import { loadPolicy } from "./licence-policy.js";
import { licenceReport, licenceSummary, summariseLicences } from "./licence-report.js";
import { loadLicenceTemplates } from "./licence-templates.js";
import { manifest, readManifest } from "./manifest.js";
import { listPackages, packageEntry, project, workspaceEntry } from "./package-list.js";
import { describePackage, packageReport } from "./package-report.js";
import { renderPage } from "./report/page.js";
import { reportJson, writeReport } from "./report-file.js";
import { reportSizes, sizeReport } from "./size-report.js";
import { measurePackage, size } from "./sizes.js";

// Every task only reads the project, or replaces its own report as a whole, so any of them may run twice.

const packages = z.array(packageReport);

/** Lists what the lockfile says is installed. */
export const listPackagesTask = task({
  name: "list-packages",
  input: z.object({ dir: z.string() }),
  // What this refuses (no lockfile, a broken one) stays refused.
  retry: { attempts: 1 },
  run: ({ dir }) => listPackages(dir),
});

/** Reads one package's package.json. */
export const readManifestTask = task({
  name: "read-manifest",
  input: z.object({ dir: z.string(), path: z.string() }),
  run: ({ dir, path }) => readManifest(dir, path),
});

/** Finds one package's licence. */
export const detectLicenceTask = task({
  name: "detect-licence",
  input: z.object({ dir: z.string(), entry: packageEntry, manifest }),
  run: async ({ dir, entry, manifest }) =>
    findLicence(dir, entry.path, manifest, entry.licence, await licenceKnowledge()),
});

/** Measures one package on disk. */
export const measureSizeTask = task({
  name: "measure-size",
  input: z.object({ dir: z.string(), path: z.string(), manifest }),
  run: ({ dir, path, manifest }) => measurePackage(dir, path, manifest),
});

/** Puts the findings about one package together. */
export const describePackageTask = task({
  name: "describe",
  input: z.object({ entry: packageEntry, manifest, licence: licenceFinding, size }),
  run: ({ entry, manifest, licence, size }) => describePackage(entry, manifest, licence, size),
});

/** Writes sbom.cdx.json. */
export const writeSbomTask = task({
  name: "sbom",
  input: z.object({ out: z.string(), project, workspaces: z.array(workspaceEntry), packages }),
  run: async ({ out, project, workspaces, packages }) => ({
    file: await writeReport(out, "sbom.cdx.json", reportJson(createBom(project, workspaces, packages))),
  }),
});

/** Writes licences.json. */
export const writeLicencesTask = task({
  name: "licences",
  input: z.object({ out: z.string(), packages }),
  run: async ({ out, packages }) => ({
    file: await writeReport(out, "licences.json", reportJson(licenceReport(packages))),
    summary: summariseLicences(packages),
  }),
});

/** Writes duplicates.json. */
export const writeDuplicatesTask = task({
  name: "duplicates",
  input: z.object({ out: z.string(), project, workspaces: z.array(workspaceEntry), packages }),
  run: async ({ out, project, workspaces, packages }) => {
    const duplicates = findDuplicates(project, workspaces, packages);
    return { file: await writeReport(out, "duplicates.json", reportJson({ duplicates })), duplicates };
  },
});

/** Writes sizes.json. */
export const writeSizesTask = task({
  name: "sizes",
  input: z.object({ out: z.string(), packages }),
  run: async ({ out, packages }) => {
    const sizes = reportSizes(packages);
    return { file: await writeReport(out, "sizes.json", reportJson(sizes)), sizes };
  },
});

/** Writes report.html, which shows all of it, and sums the audit up. */
export const writePageTask = task({
  name: "report",
  input: z.object({
    out: z.string(),
    project,
    workspaces: z.array(workspaceEntry),
    packages,
    licences: licenceSummary,
    duplicates: z.array(duplicate),
    sizes: sizeReport,
    files: z.array(z.string()),
  }),
  run: async ({ out, ...audit }) => {
    const page = await writeReport(out, "report.html", renderPage(audit));
    const problems = audit.packages
      .flatMap((one) => one.problems)
      .filter(({ severity }) => severity === "problem");
    return { files: [...audit.files, page], packages: audit.packages.length, problems: problems.length };
  },
});

let knowledge: Promise<LicenceKnowledge> | undefined;

/** The licence texts, loaded by the first step of this process that needs them; they never change. */
function licenceKnowledge(): Promise<LicenceKnowledge> {
  knowledge ??= loadKnowledge().catch((error: unknown) => {
    // The next try must load again rather than see this failure for ever.
    knowledge = undefined;
    throw error;
  });
  return knowledge;
}

async function loadKnowledge(): Promise<LicenceKnowledge> {
  return { templates: await loadLicenceTemplates(), policy: await loadPolicy() };
}
