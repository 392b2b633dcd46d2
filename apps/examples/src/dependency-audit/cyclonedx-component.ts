import { PackageURL } from "packageurl-js";
import type { LicenceFinding } from "./licence-finding.js";
import { licencesIn } from "./licence-statement.js";
import type { PackageReport } from "./package-report.js";

/** A component as CycloneDX 1.6 has it. */
export interface Component {
  type: "library" | "application";
  "bom-ref": string;
  group?: string;
  name: string;
  version?: string;
  scope?: "required" | "optional";
  hashes?: Hash[];
  licenses?: LicenceChoice[];
  purl?: string;
  externalReferences?: { type: "distribution"; url: string }[];
  properties?: { name: string; value: string }[];
  evidence?: { licenses: LicenceChoice[] };
}

interface Acknowledged {
  acknowledgement?: "declared";
}
type LicenceChoice =
  | { license: ({ id: string } | { name: string }) & Acknowledged }
  | ({ expression: string } & Acknowledged);

interface Hash {
  alg: string;
  content: string;
}

/** The component for one package; its reference is the package's place in the project, which is unique. */
export function packageComponent({ entry, installed, licence }: PackageReport): Component {
  const hashes = hashesOf(entry.integrity);
  const url = distribution(entry.resolved);
  return {
    ...ownComponent("library", entry.path, entry.name, entry.version, null),
    scope: entry.optional ? "optional" : "required",
    ...(hashes.length === 0 ? {} : { hashes }),
    ...declared(licence),
    ...purlOf(entry.name, entry.version),
    ...(url === undefined ? {} : { externalReferences: [{ type: "distribution", url }] }),
    properties: [
      { name: "cdx:npm:package:path", value: entry.path },
      ...(entry.dev ? [{ name: "cdx:npm:package:development", value: "true" }] : []),
      ...(entry.bundled ? [{ name: "cdx:npm:package:bundled", value: "true" }] : []),
      ...(installed ? [] : [{ name: "jobbers:audit:installed", value: "false" }]),
    ],
    ...evidence(licence),
  };
}

/** A component of the project's own: the project or a workspace, which have no registry entry. */
export function ownComponent(
  type: Component["type"],
  ref: string,
  fullName: string,
  version: string,
  licence: string | null | undefined,
): Component {
  const [, group, name = fullName] = /^(@[^/]+)\/(.+)$/.exec(fullName) ?? [];
  return {
    type,
    "bom-ref": ref,
    ...(group === undefined ? {} : { group }),
    name,
    ...(version === "" ? {} : { version }),
    ...(licence ? { licenses: [choice(licence)] } : {}),
  };
}

/** The hashes of an integrity text, such as `sha512-…`, in hexadecimal. */
export function hashesOf(integrity: string | undefined): Hash[] {
  const algorithms = new Map([
    ["sha512", "SHA-512"],
    ["sha384", "SHA-384"],
    ["sha256", "SHA-256"],
    ["sha1", "SHA-1"],
  ]);
  return (integrity ?? "").split(/\s+/).flatMap((part) => {
    const [, name = "", digest = ""] = /^(sha\d+)-([A-Za-z0-9+/=]+)/.exec(part) ?? [];
    const alg = algorithms.get(name);
    return alg === undefined ? [] : [{ alg, content: Buffer.from(digest, "base64").toString("hex") }];
  });
}

function declared({ declared, stated }: LicenceFinding): Pick<Component, "licenses"> {
  const words = declared ?? stated;
  return words === null ? {} : { licenses: [choice(words, { acknowledgement: "declared" })] };
}

function evidence({ texts }: LicenceFinding): Pick<Component, "evidence"> {
  // Several entries must be licences, never expressions, so "GPL-3.0-only or GPL-3.0-or-later" becomes a name.
  const licenses = texts.map((text) =>
    isListed(text) ? { license: { id: text } } : { license: { name: text } },
  );
  return licenses.length === 0 ? {} : { evidence: { licenses } };
}

/** A licence by its id where it is just one on the SPDX list, else as an expression, else by its name. */
function choice(words: string, acknowledged: Acknowledged = {}): LicenceChoice {
  if (isListed(words)) return { license: { id: words, ...acknowledged } };
  if (licencesIn(words).length === 0) return { license: { name: words, ...acknowledged } };
  return { expression: words, ...acknowledged };
}

function isListed(words: string): boolean {
  return licencesIn(words)[0] === words && !/^(?:LicenseRef|DocumentRef)-/.test(words);
}

function purlOf(fullName: string, version: string): { purl?: string } {
  const [, scope, name = fullName] = /^(@[^/]+)\/(.+)$/.exec(fullName) ?? [];
  try {
    return {
      purl: new PackageURL("npm", scope, name, version || undefined, undefined, undefined).toString(),
    };
  } catch {
    // What npm would not take as a name has no package URL, and the component stands without one.
    return {};
  }
}

/** Where the package came from, if that is a place on the network, without a password that the address may carry. */
function distribution(resolved: string | undefined): string | undefined {
  if (resolved === undefined || !/^(?:https?|git\+(?:https|ssh)):/.test(resolved)) return undefined;
  if (!URL.canParse(resolved)) return undefined;
  const url = new URL(resolved);
  url.password = "";
  if (url.protocol !== "git+ssh:") url.username = "";
  return url.href;
}
