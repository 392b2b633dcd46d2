import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readLicenceFiles } from "../src/dependency-audit/licence-files.js";
import { findLicence } from "../src/dependency-audit/licence-finding.js";
import { readStatement } from "../src/dependency-audit/licence-statement.js";
import { matchLicenceText } from "../src/dependency-audit/licence-text.js";
import { readManifest } from "../src/dependency-audit/manifest.js";
import { licenceText, makeProject, temporaryFolder, writeFiles } from "./fixture-project.js";
import { licenceKnowledge } from "./plain-audit.js";

const match = async (text: string) => matchLicenceText(text, (await licenceKnowledge()).templates);

describe("licence texts", () => {
  test.each([
    "MIT",
    "ISC",
    "0BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Apache-2.0",
    "MPL-2.0",
    "Unlicense",
    "MIT-0",
    "JSON",
  ])("%s is recognised, and not as one of its neighbours", async (id) => {
    const text = await licenceText(id);
    expect(await match(text)).toEqual({ licences: [[id]], whole: true });
    const rewrapped = text.replace(/\n(?=\S)/g, "\r\n  ").toUpperCase();
    expect(await match(rewrapped)).toEqual({ licences: [[id]], whole: true });
  });

  test("every text of the SPDX list is found to be itself", async () => {
    const list = createRequire(import.meta.url)("spdx-license-list/full") as Record<
      string,
      { licenseText: string }
    >;
    const { templates } = await licenceKnowledge();
    const current = new Set(templates.flatMap(({ ids }) => ids));
    const wrong = Object.entries(list).filter(([id, { licenseText }]) => {
      const [first = []] = matchLicenceText(licenseText, templates).licences;
      return current.has(id) && !first.includes(id);
    });
    expect(wrong.map(([id]) => id)).toEqual([]);
    expect(current.size).toBeGreaterThan(650);
  });

  test("ids that share a text cannot be told apart", async () => {
    const { licences } = await match(await licenceText("GPL-3.0-only"));
    expect(licences).toEqual([["GPL-3.0-only", "GPL-3.0-or-later"]]);
  });

  test("Apache without its appendix, and its short notice", async () => {
    const text = await licenceText("Apache-2.0");
    const body = text.slice(0, text.indexOf("END OF TERMS"));
    expect(await match(body)).toEqual({ licences: [["Apache-2.0"]], whole: true });
    const notice = text.slice(text.lastIndexOf("Licensed under the Apache License"));
    expect(await match(`Copyright 2020 Ann\n\n${notice}`)).toEqual({
      licences: [["Apache-2.0"]],
      whole: true,
    });
  });

  test("a file with several licences has them all", async () => {
    const texts = await Promise.all(["MIT", "Apache-2.0", "ISC", "MIT"].map(licenceText));
    const { licences, whole } = await match(`# Licence\n\n${texts.join("\n\n---\n\n## Bundled: thing\n\n")}`);
    expect(licences.flat().toSorted()).toEqual(["Apache-2.0", "ISC", "MIT"]);
    expect(whole).toBe(false);
  });

  test("other prose is no licence, but an SPDX tag says what it is", async () => {
    expect((await match("You may look at this software on Tuesdays. ".repeat(20))).licences).toEqual([]);
    expect((await match("")).licences).toEqual([]);
    expect((await match("See the website.\nSPDX-License-Identifier: Zlib\n")).licences).toEqual([["Zlib"]]);
  });

  test("half a licence is none, alone or in a longer file", async () => {
    const [mit, apache] = [await licenceText("MIT"), await licenceText("Apache-2.0")];
    const own = "You may use this on Tuesdays, and must bring cake for everybody who asks for some. ";
    const changed = mit.replace(/The above copyright notice[\s\S]*/, own.repeat(6));
    expect((await match(changed)).licences).toEqual([]);
    expect((await match(mit + own.repeat(60) + apache.slice(0, apache.length * 0.6))).licences).toEqual([
      ["MIT"],
    ]);
  });

  test("only licence files are read", async () => {
    const folder = await temporaryFolder();
    const names = ["LICENSE", "licence.md", "LICENSE-MIT", "COPYING.LESSER", "MIT-LICENSE.txt"];
    const others = [
      "license.js",
      "licenses.json",
      "LICENSE.html",
      "LICENSE-THIRD-PARTY",
      "NOTICE",
      "relicense.md",
    ];
    await writeFiles(folder, Object.fromEntries([...names, ...others].map((name) => [name, name])));
    expect((await readLicenceFiles(folder)).map(({ file }) => file)).toEqual(names.toSorted());
  });
});

describe("statements", () => {
  test.each([
    ["MIT", "MIT", false],
    ["(MIT OR Apache-2.0)", "(MIT OR Apache-2.0)", false],
    ["GPL-3.0", "GPL-3.0", false],
    ["Apache 2", "Apache-2.0", true],
    ["MIT and BSD", "MIT AND BSD-2-Clause", true],
    ["mit or apache-2.0", "MIT OR Apache-2.0", true],
    ["UNLICENSED", null, false],
    ["SEE LICENSE IN LICENSE.txt", null, false],
    ["do what you like", null, false],
  ])("%s reads as %s", (stated, expression, corrected) => {
    expect(readStatement(stated)).toEqual({ stated, expression, corrected });
  });

  test("npm's old forms are read", async () => {
    const folder = await makeProject(
      {},
      {
        "node_modules/a/package.json": { license: { type: "ISC", url: "x" } },
        "node_modules/b/package.json": { licenses: [{ type: "MIT" }, "GPL-2.0"] },
        "node_modules/c/package.json": '\uFEFF{"license": "MIT"}',
        "node_modules/d/package.json": { license: 7, version: 3 },
        "node_modules/e/package.json": "null",
      },
    );
    const read = (name: string) => readManifest(folder, `node_modules/${name}`);
    expect((await read("a")).licence).toBe("ISC");
    expect((await read("b")).licence).toBe("(MIT OR GPL-2.0)");
    expect((await read("c")).licence).toBe("MIT");
    expect(await read("d")).toEqual({ state: "found" });
    expect(await read("e")).toEqual({ state: "broken", detail: "package.json is not an object" });
    expect(await readManifest(folder, "node_modules/../../x")).toMatchObject({ state: "broken" });
  });
});

test.each([
  ["MIT", "permissive"],
  ["CC-BY-4.0", "permissive"],
  ["MPL-2.0", "weak copyleft"],
  ["LGPL-2.1-or-later", "weak copyleft"],
  ["GPL-3.0+", "strong copyleft"],
  ["AGPL-3.0-only", "strong copyleft"],
  ["GPL-2.0-only WITH Classpath-exception-2.0", "weak copyleft"],
  ["GPL-2.0-with-classpath-exception", "weak copyleft"],
  ["CC-BY-SA-4.0", "weak copyleft"],
  ["CECILL-C", "weak copyleft"],
  ["CECILL-2.1", "strong copyleft"],
  ["SSPL-1.0", "strong copyleft"],
  ["MIT OR GPL-3.0-only", "permissive"],
  ["MIT AND GPL-3.0-only", "strong copyleft"],
  ["MIT AND (LGPL-3.0-only OR GPL-3.0-only)", "weak copyleft"],
  ["BUSL-1.1", "unknown"],
  ["LicenseRef-ours", "unknown"],
  ["no expression", "unknown"],
])("%s is %s", async (expression, policy) => {
  expect((await licenceKnowledge()).policy(expression)).toBe(policy);
});

describe("statement and text together", () => {
  const find = async (license: unknown, files: Record<string, string>) => {
    const prefixed = Object.entries(files).map(([name, text]) => [join("node_modules/a", name), text]);
    const all = { "node_modules/a/package.json": { license }, ...Object.fromEntries(prefixed) };
    const folder = await makeProject({}, all);
    const manifest = await readManifest(folder, "node_modules/a");
    return findLicence(folder, "node_modules/a", manifest, undefined, await licenceKnowledge());
  };

  test("they agree", async () => {
    const found = await find("MIT", { LICENSE: await licenceText("MIT") });
    expect(found).toMatchObject({ verdict: "agree", concluded: "MIT", texts: ["MIT"], files: ["LICENSE"] });
  });

  test("they disagree, and the stricter class counts", async () => {
    const found = await find("MIT", { LICENSE: await licenceText("GPL-3.0-only") });
    expect(found).toMatchObject({ verdict: "disagree", concluded: "MIT", policy: "strong copyleft" });
  });

  test("one of two files is of another licence", async () => {
    const files = { "LICENSE-A": await licenceText("MIT"), "LICENSE-B": await licenceText("ISC") };
    expect((await find("MIT", files)).verdict).toBe("disagree");
    expect((await find("MIT OR ISC", files)).verdict).toBe("agree");
  });

  test("bundled licences in one file do not contradict the statement", async () => {
    const both = `${await licenceText("MIT")}\n\nThis package bundles others:\n\n${await licenceText("ISC")}`;
    expect(await find("MIT", { LICENSE: both })).toMatchObject({ verdict: "agree", texts: ["MIT", "ISC"] });
  });

  test("or-later, the LGPL's companion and named variants belong to the statement", async () => {
    const gpl = await licenceText("GPL-3.0-only");
    expect((await find("GPL-3.0-or-later", { COPYING: gpl })).verdict).toBe("agree");
    const lgpl = { COPYING: gpl, "COPYING.LESSER": await licenceText("LGPL-3.0-only") };
    expect((await find("LGPL-3.0+", lgpl)).verdict).toBe("agree");
    expect((await find("BSD-2-Clause", { LICENSE: await licenceText("BSD-2-Clause-Views") })).verdict).toBe(
      "variant",
    );
  });

  test("a vague statement is settled by the text", async () => {
    const bsd = { LICENSE: await licenceText("BSD-3-Clause") };
    expect(await find("BSD", bsd)).toMatchObject({ verdict: "text only", concluded: "BSD-3-Clause" });
    expect((await find("Apache 2", bsd)).verdict).toBe("disagree");
    expect(await find("SEE LICENSE IN LICENSE", bsd)).toMatchObject({
      verdict: "text only",
      policy: "permissive",
    });
    expect(await find(undefined, bsd)).toMatchObject({ verdict: "text only", stated: null });
  });

  test("one of the two, or none, is there", async () => {
    expect(await find("MIT", {})).toMatchObject({ verdict: "stated only", policy: "permissive" });
    expect(await find("MIT", { LICENSE: "Ask me." })).toMatchObject({
      verdict: "unrecognised",
      concluded: "MIT",
    });
    expect(await find(undefined, {})).toMatchObject({ verdict: "none", concluded: null, policy: "unknown" });
    expect(await find("UNLICENSED", {})).toMatchObject({ verdict: "stated only", policy: "unknown" });
  });
});
