import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { beforeAll, describe, expect, test } from "vitest";
import { createBom } from "../src/dependency-audit/cyclonedx.js";
import { hashesOf } from "../src/dependency-audit/cyclonedx-component.js";
import { readManifest } from "../src/dependency-audit/manifest.js";
import { byVersion } from "../src/dependency-audit/order.js";
import type { PackageReport } from "../src/dependency-audit/package-report.js";
import { bytes, count, percent } from "../src/dependency-audit/report/figures.js";
import { html } from "../src/dependency-audit/report/markup.js";
import { reportJson, writeReport } from "../src/dependency-audit/report-file.js";
import { measurePackage } from "../src/dependency-audit/sizes.js";
import { licenceText, makeProject, motleyProject, temporaryFolder } from "./fixture-project.js";
import { licenceKnowledge, plainAudit, writePlainAudit } from "./plain-audit.js";

// Loading the licence texts is no part of any test's time.
beforeAll(licenceKnowledge);

test("nothing that is wrong with a package stops the audit, and all of it is named", async () => {
  const { packages, page } = await plainAudit(await motleyProject());
  const lines = packages.flatMap(({ entry, problems }) =>
    problems.map(({ severity, kind, message }) => `${severity} ${entry.name}: ${kind}: ${message}`),
  );
  expect(lines).toEqual([
    "problem <b>markup: unknown licence: “<script>alert(1)</script>” has no policy class: a person must read it",
    "problem bare: no licence: no licence is stated, and no licence file was recognised",
    "problem broken: broken: package.json is not JSON",
    "problem deep: unresolved dependency: asks for absent@^9, which the lockfile does not have",
    "problem disagreeing: licences disagree: MIT is stated, the text of LICENSE.txt is Apache-2.0",
    "problem gone: missing: the lockfile lists it, but it is not in node_modules: run `npm ci`",
    "note native: not installed: not installed: optional, only for darwin arm64",
    "problem stale: version differs: version 1.0.9 is installed, the lockfile says 1.1.0: run `npm ci`",
    "note vague: licence guessed: “BSD” is stated; taken from the text of license: BSD-3-Clause",
  ]);
  for (const { entry } of packages.filter(({ problems }) => problems.length > 0)) {
    expect(page).toContain(`<b>${html`${entry.name}`.markup}</b>`);
  }
});

describe("sbom.cdx.json", () => {
  const invalid = async (document: unknown) =>
    new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(JSON.stringify(document));

  test("is valid CycloneDX 1.6, and the validator would tell", async () => {
    const { bom } = await plainAudit(await motleyProject());
    expect(await invalid(bom)).toBeNull();
    expect(await invalid({ ...bom, serialNumber: "urn:uuid:1" })).not.toBeNull();
    expect(await invalid({ ...bom, components: [{ type: "library" }] })).not.toBeNull();
    const licensed = (id: string) => [{ type: "library", name: "x", licenses: [{ license: { id } }] }];
    expect(await invalid({ ...bom, components: licensed("MIT") })).toBeNull();
    expect(await invalid({ ...bom, components: licensed("MIT-ish") })).not.toBeNull();
  });

  test("is valid for every kind of statement and text", async () => {
    const gpl = `${await licenceText("MIT")}\n\n${await licenceText("GPL-3.0-only")}`;
    const stated = [
      "MIT",
      "MIT OR GPL-3.0-only",
      "mit or isc",
      "LicenseRef-ours",
      "UNLICENSED",
      "GPL-3.0+",
      "",
    ];
    const paths = stated.map((_, i) => `node_modules/p${i}`);
    const folder = await makeProject(
      Object.fromEntries(paths.map((path) => [path, { version: "1.0.0" }])),
      Object.fromEntries(
        paths.flatMap((path, i) => [
          [`${path}/package.json`, { license: stated[i] }],
          [`${path}/LICENSE`, gpl],
        ]),
      ),
    );
    const { bom } = await plainAudit(folder);
    expect(await invalid(bom)).toBeNull();
    expect(bom.components.map(({ licenses }) => licenses?.[0])).toEqual([
      { license: { id: "MIT", acknowledgement: "declared" } },
      { expression: "MIT OR GPL-3.0-only", acknowledgement: "declared" },
      { expression: "MIT OR ISC", acknowledgement: "declared" },
      { expression: "LicenseRef-ours", acknowledgement: "declared" },
      { license: { name: "UNLICENSED", acknowledgement: "declared" } },
      { expression: "GPL-3.0+", acknowledgement: "declared" },
      undefined,
    ]);
    expect(bom.components[0]?.evidence?.licenses).toEqual([
      { license: { name: "GPL-3.0-only or GPL-3.0-or-later" } },
      { license: { id: "MIT" } },
    ]);
  });

  test("has every package once, with purl, version, licence, hash and place", async () => {
    const { bom, packages } = await plainAudit(await motleyProject());
    expect(bom.components).toHaveLength(packages.length + 1);
    expect(new Set(bom.components.map((one) => one["bom-ref"])).size).toBe(bom.components.length);
    const nested = bom.components.find((one) => one["bom-ref"] === "node_modules/@scope/nested");
    expect(nested).toMatchObject({
      group: "@scope",
      name: "nested",
      version: "2.0.1",
      purl: "pkg:npm/%40scope/nested@2.0.1",
      scope: "required",
      licenses: [{ license: { id: "MIT", acknowledgement: "declared" } }],
      hashes: [
        { alg: "SHA-512", content: Buffer.from("@scope/nested2.0.1".padEnd(64, ".")).toString("hex") },
      ],
    });
    const native = bom.components.find((one) => one.name === "native");
    expect(native).toMatchObject({ scope: "optional" });
    expect(native?.properties).toContainEqual({ name: "jobbers:audit:installed", value: "false" });
    const disagreeing = bom.components.find((one) => one.name === "disagreeing");
    expect(disagreeing?.evidence).toEqual({ licenses: [{ license: { id: "Apache-2.0" } }] });
  });

  test("its edges lead from the project through workspaces and nested packages, and all end somewhere", async () => {
    const { bom } = await plainAudit(await motleyProject());
    const edges = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
    expect(edges.get(".")).toContain("node_modules/@scope/nested");
    expect(edges.get("packages/tool")).toEqual(["node_modules/agreeing"]);
    expect(edges.get("node_modules/@scope/nested")).toContain(
      "node_modules/@scope/nested/node_modules/agreeing",
    );
    const refs = new Set([".", ...bom.components.map((one) => one["bom-ref"])]);
    expect([...edges.values()].flat().filter((ref) => !refs.has(ref))).toEqual([]);
    expect([...edges.keys()].toSorted()).toEqual([...refs].toSorted());
  });

  test("its serial number follows its content", async () => {
    const { project, packages, bom } = await plainAudit(await motleyProject());
    expect(bom.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(createBom({ ...project, version: "9.9.9" }, [], packages).serialNumber).not.toBe(bom.serialNumber);
  });

  test("every licence id that can occur is one that the schema knows", () => {
    const require = createRequire(import.meta.url);
    const schema =
      require("@cyclonedx/cyclonedx-library/package.json") &&
      require.resolve("@cyclonedx/cyclonedx-library/package.json");
    const { enum: known } = require(join(schema, "../res/schema/spdx.SNAPSHOT.schema.json")) as {
      enum: string[];
    };
    const ids = [
      ...(require("spdx-license-ids") as string[]),
      ...(require("spdx-license-ids/deprecated.json") as string[]),
      ...Object.keys(require("spdx-license-list") as object),
    ];
    expect(ids.filter((id) => !known.includes(id))).toEqual([]);
  });

  test("passwords in addresses stay out, and so do places on this machine", async () => {
    const folder = await makeProject({
      "node_modules/a": { version: "1.0.0", resolved: "https://ann:secret@registry.example.org/a.tgz" },
      "node_modules/b": { version: "1.0.0", resolved: "file:../elsewhere/b.tgz" },
    });
    const { bom } = await plainAudit(folder);
    expect(bom.components.map((one) => one.externalReferences?.[0]?.url)).toEqual([
      "https://registry.example.org/a.tgz",
      undefined,
    ]);
    expect(JSON.stringify(bom)).not.toContain("secret");
  });

  test("integrity texts of several hashes, and of none that is known", () => {
    expect(hashesOf("sha1-AAA= sha512-/w==")).toMatchObject([
      { alg: "SHA-1" },
      { alg: "SHA-512", content: "ff" },
    ]);
    expect(hashesOf("md5-abc")).toEqual([]);
    expect(hashesOf(undefined)).toEqual([]);
  });
});

test("duplicates.json has who asks for each version, older versions first", async () => {
  const { duplicates } = await plainAudit(await motleyProject());
  expect(duplicates).toEqual([
    {
      name: "agreeing",
      versions: [
        {
          version: "1.5.0",
          paths: ["node_modules/agreeing"],
          bytes: expect.any(Number),
          askedBy: [
            { name: "@motley/tool", version: "0.1.0", range: "^1.0.0" },
            { name: "deep", version: "0.0.1", range: "*" },
            { name: "motley", version: "1.0.0", range: "^1.0.0" },
          ],
        },
        {
          version: "2.10.0",
          paths: ["node_modules/@scope/nested/node_modules/agreeing"],
          bytes: expect.any(Number),
          askedBy: [{ name: "@scope/nested", version: "2.0.1", range: "^2.0.0" }],
        },
      ],
      extraBytes: duplicates[0]?.versions[0]?.bytes,
    },
  ]);

  const copies = {
    "node_modules/a": { version: "1.0.0" },
    "node_modules/b/node_modules/a": { version: "1.0.0" },
  };
  expect((await plainAudit(await makeProject(copies))).duplicates).toEqual([]);
});

test("versions are ordered as a person reads them", () => {
  const versions = [
    "10.0.0",
    "2.0.0",
    "2.0.0-rc.10",
    "2.0.0-rc.2",
    "2.0.0-alpha",
    "2.0",
    "",
    "1.0.0+b",
    "1.0.0+a",
  ];
  expect(versions.toSorted(byVersion)).toEqual([
    "1.0.0+a",
    "1.0.0+b",
    "2.0",
    "2.0.0-alpha",
    "2.0.0-rc.2",
    "2.0.0-rc.10",
    "2.0.0",
    "10.0.0",
    "",
  ]);
});

test("sizes are a package's own files", async () => {
  const folder = await motleyProject();
  const path = "node_modules/@scope/nested";
  await symlink("index.js", join(folder, path, "link.js"));
  const manifest = await readManifest(folder, path);
  const own = (await readFile(join(folder, path, "package.json"))).length + 100 + 10;
  expect(await measurePackage(folder, path, manifest)).toEqual({ files: 3, bytes: own });
  expect(await measurePackage(folder, "node_modules/gone", { state: "missing" })).toEqual({
    files: 0,
    bytes: 0,
  });

  const { sizes } = await plainAudit(folder);
  expect(sizes.heaviestByBytes[0]).toMatchObject({ name: "disagreeing", files: 2 });
  expect(sizes.heaviestByFiles[0]).toMatchObject({ name: "@scope/nested", files: 3 });
  expect(sizes.packages).toBe(10);
});

describe("licences.json", () => {
  test("counts classes and names what wants a person", async () => {
    const { licences } = await plainAudit(await motleyProject());
    expect(licences.classes).toEqual([
      { policy: "permissive", packages: 10 },
      { policy: "weak copyleft", packages: 0 },
      { policy: "strong copyleft", packages: 0 },
      { policy: "unknown", packages: 2 },
    ]);
    expect(licences.disagreements).toMatchObject([
      { name: "disagreeing", declared: "MIT", texts: ["Apache-2.0"] },
    ]);
    expect(licences.nothingFound).toMatchObject([{ name: "bare", verdict: "none" }]);
    expect(licences.packages).toHaveLength(12);
  });

  test("a package that is not installed has the lockfile's statement", async () => {
    const { packages } = await plainAudit(await motleyProject());
    const native = packages.find(({ entry }) => entry.name === "native");
    expect(native).toMatchObject({ installed: false, licence: { verdict: "lockfile", concluded: "MIT" } });
  });
});

describe("the same project gives the same files", () => {
  const readAll = async (out: string, names: readonly string[]) =>
    Promise.all(names.map((name) => readFile(join(out, name), "utf8")));

  test("when audited again, elsewhere, and from a lockfile in another order", async () => {
    const folder = await motleyProject();
    const [first, second, third] = [
      await temporaryFolder(),
      await temporaryFolder(),
      await temporaryFolder(),
    ];
    const names = await writePlainAudit(folder, first);
    await writePlainAudit(folder, second);
    const elsewhere = join(await temporaryFolder(), "copy");
    await cp(folder, elsewhere, { recursive: true });
    const lockfile = JSON.parse(await readFile(join(elsewhere, "package-lock.json"), "utf8"));
    const packages = Object.fromEntries(Object.entries(lockfile.packages).toReversed());
    await writeFile(join(elsewhere, "package-lock.json"), JSON.stringify({ ...lockfile, packages }));
    await writePlainAudit(elsewhere, third);

    const reports = await readAll(first, names);
    expect(await readAll(second, names)).toEqual(reports);
    expect(await readAll(third, names)).toEqual(reports);
    for (const report of reports) {
      expect(report).not.toContain(folder);
      expect(report).not.toMatch(/\b20\d\d-\d\d-\d\dT/);
    }
  });

  test("and a report is replaced as a whole", async () => {
    const out = join(await temporaryFolder(), "new", "folder");
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => writeReport(out, "x.json", reportJson("ab".repeat(i * 9999)))),
    );
    expect(await readdir(out)).toEqual(["x.json"]);
    expect(typeof JSON.parse(await readFile(join(out, "x.json"), "utf8"))).toBe("string");
    await mkdir(join(out, "taken.json"));
    await expect(writeReport(out, "taken.json", "")).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect((await readdir(out)).toSorted()).toEqual(["taken.json", "x.json"]);
  });
});

describe("report.html", () => {
  test("escapes whatever comes from packages", async () => {
    const { page } = await plainAudit(await motleyProject());
    expect(page).not.toContain("<script>alert");
    expect(page).not.toContain("<b>markup");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html`<a title="${"\"'<&>"}">`.markup).toBe('<a title="&quot;&#39;&lt;&amp;&gt;">');
  });

  test("needs nothing but itself", async () => {
    const { page } = await plainAudit(await motleyProject());
    expect(page.match(/(?:src|href)="[^"]*"/g)?.every((link) => /^href="[a-z.]+\.json"$/.test(link))).toBe(
      true,
    );
    expect(page).not.toMatch(/url\(|@import|https?:\/\//);
    expect(page).toContain("default-src 'none'".replaceAll("'", "&#39;"));
  });

  test("an empty project has a page too", async () => {
    const { page, bom } = await plainAudit(await makeProject({}));
    expect(page).toContain("Nothing at all");
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(bom.components).toEqual([]);
  });

  test("figures are the same in every locale", () => {
    expect([0, 999, 1000, 1234567].map(count)).toEqual(["0", "999", "1,000", "1,234,567"]);
    expect([0, 999, 1000, 999_499, 999_500, 123_456_789].map(bytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "999 kB",
      "1.0 MB",
      "123 MB",
    ]);
    expect([
      percent(0, 9),
      percent(1, 900),
      percent(1, 2),
      percent(899, 900),
      percent(9, 9),
      percent(0, 0),
    ]).toEqual(["0 %", "<1 %", "50 %", ">99 %", "100 %", "0 %"]);
  });
});

test("what one package adds to a run stays small", async () => {
  const files = { "node_modules/a/package.json": {}, "node_modules/a/LICENSE": await licenceText("MPL-2.0") };
  const { packages } = await plainAudit(await makeProject({ "node_modules/a": { version: "1.0.0" } }, files));
  expect(JSON.stringify(packages[0] satisfies PackageReport | undefined).length).toBeLessThan(1000);
});
