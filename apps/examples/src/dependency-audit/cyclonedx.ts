import { createHash } from "node:crypto";
import { type Component, ownComponent, packageComponent } from "./cyclonedx-component.js";
import { by, byCodeUnit } from "./order.js";
import type { Project, WorkspaceEntry } from "./package-list.js";
import type { PackageReport } from "./package-report.js";
import type { Need } from "./resolution.js";

/** A CycloneDX 1.6 document, as far as the audit fills it. */
export interface Bom {
  $schema: string;
  bomFormat: "CycloneDX";
  specVersion: "1.6";
  serialNumber: string;
  version: 1;
  metadata: { tools: { components: Component[] }; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

// The project itself; no lockfile path looks like this.
const ROOT = ".";

/**
 * The software bill of materials. It has no timestamp, and its serial number is made from its content, so that the same
 * project gives the same document.
 */
export function createBom(
  project: Project,
  workspaces: readonly WorkspaceEntry[],
  packages: readonly PackageReport[],
): Bom {
  const own = workspaces.map(({ path, name, version, licence }) =>
    ownComponent("library", path, name, version, licence),
  );
  const content = {
    metadata: {
      tools: { components: [ownComponent("application", "tool", "jobbers-dependency-audit", "", null)] },
      component: ownComponent("application", ROOT, project.name, project.version, project.licence),
    },
    components: [...own, ...packages.map(packageComponent)].sort(by((component) => component["bom-ref"])),
    dependencies: [
      edges(ROOT, project.needs),
      ...workspaces.map(({ path, needs }) => edges(path, needs)),
      ...packages.map(({ entry }) => edges(entry.path, entry.needs)),
    ].sort(by(({ ref }) => ref)),
  };
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${contentUuid(JSON.stringify(content))}`,
    version: 1,
    ...content,
  };
}

function edges(ref: string, needs: readonly Need[]): { ref: string; dependsOn: string[] } {
  return { ref, dependsOn: [...new Set(needs.map(({ path }) => path || ROOT))].sort(byCodeUnit) };
}

/** A version 8 UUID (RFC 9562: the maker's own scheme) of a SHA-256. */
function contentUuid(content: string): string {
  const hex = createHash("sha256").update(content).digest("hex");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
