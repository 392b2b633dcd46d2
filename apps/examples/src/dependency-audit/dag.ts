import { dag } from "jobbers";
import { z } from "zod";
import * as steps from "./tasks.js";

/**
 * Audits the dependencies of the npm project in `dir` and writes five reports into the folder `out`: sbom.cdx.json,
 * licences.json, duplicates.json, sizes.json and report.html. Answers the reports' names, how many packages the lockfile
 * lists, and how many problems a person should look at.
 *
 * Its plan: list the packages → for each of them read its manifest, then side by side detect the licence and measure the
 * size, then describe it → four reports side by side → the page.
 */
export const dependencyAudit = dag(
  "dependency-audit",
  { input: z.object({ dir: z.string(), out: z.string() }) },
  ({ dir, out }) => {
    const { project, workspaces, packages: listed } = steps.listPackagesTask({ dir });

    const packages = listed.map((entry) => {
      const manifest = steps.readManifestTask({ dir, path: entry.path });
      const licence = steps.detectLicenceTask({ dir, entry, manifest });
      const size = steps.measureSizeTask({ dir, path: entry.path, manifest });
      return steps.describePackageTask({ entry, manifest, licence, size });
    });

    const sbom = steps.writeSbomTask({ out, project, workspaces, packages });
    const licences = steps.writeLicencesTask({ out, packages });
    const duplicates = steps.writeDuplicatesTask({ out, project, workspaces, packages });
    const sizes = steps.writeSizesTask({ out, packages });

    return steps.writePageTask({
      out,
      project,
      workspaces,
      packages,
      licences: licences.summary,
      duplicates: duplicates.duplicates,
      sizes: sizes.sizes,
      files: [sbom.file, licences.file, duplicates.file, sizes.file],
    });
  },
);

/** The dag's tasks. */
export const tasks = Object.values(steps);
