import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { type WordPairs, wordPairs } from "./licence-words.js";
import { byCodeUnit } from "./order.js";

/** A text that licence files are compared with. */
export interface LicenceTemplate {
  /** The SPDX ids that have this text, sorted: `GPL-2.0-only` and `GPL-2.0-or-later` share one. */
  readonly ids: readonly string[];
  readonly pairs: WordPairs;
}

const fullList = z.record(z.string(), z.object({ licenseText: z.string() }));
const idList = z.array(z.string());

/** Loads all texts of the SPDX licence list; takes some 200 ms, in slices that leave the event loop free. */
export async function loadLicenceTemplates(): Promise<LicenceTemplate[]> {
  const require = createRequire(import.meta.url);
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(require.resolve(name), "utf8"));
  const deprecated = new Set(idList.parse(await read("spdx-license-ids/deprecated.json")));
  const list = Object.entries(fullList.parse(await read("spdx-license-list/spdx-full.json")));

  const templates = new Map<string, LicenceTemplate>();
  // An old id, such as "GPL-3.0+", has the text of the id that replaced it, and would only tie with it.
  const current = list
    .filter(([id]) => !deprecated.has(id) && !id.endsWith("+"))
    .sort(([a], [b]) => byCodeUnit(a, b));
  const ids = new Set(current.map(([id]) => id));
  for (const [i, [id, { licenseText }]] of current.entries()) {
    if (i % 40 === 39) await setImmediate();
    for (const text of variants(id, licenseText)) {
      const pairs = wordPairs(text);
      const same = pairs.join();
      // "MPL-2.0" sorts before "MPL-2.0-no-copyleft-exception", which has the same text and is not what is meant.
      if (!templates.has(same)) templates.set(same, { ids: sharing(id, ids), pairs });
    }
  }
  return [...templates.values()];
}

/** The ids that differ only in whether later versions are allowed, which the text does not say. */
function sharing(id: string, ids: ReadonlySet<string>): string[] {
  const plain = id.replace(/-(?:only|or-later)$/, "");
  return plain === id ? [id] : [`${plain}-only`, `${plain}-or-later`].filter((one) => ids.has(one));
}

/** The forms in which a licence's text is commonly shipped, beside the one on the SPDX list. */
function variants(id: string, text: string): string[] {
  const forms = [text];
  const end = text.search(/end of terms and conditions/i);
  // Everything behind that line explains how to apply the licence, and is often left out.
  if (end > 0) forms.push(text.slice(0, end));
  if (id === "ISC")
    forms.push(text.replace(/\bISC\b/g, "THE AUTHOR").replace(/^THE AUTHOR License:?/, "ISC License"));
  if (id === "Apache-2.0") {
    const notice = text.lastIndexOf('Licensed under the Apache License, Version 2.0 (the "License")');
    if (notice > 0) forms.push(text.slice(notice));
  }
  return forms;
}
