import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { pathOf } from "./root.mjs";

const read = (path) => readFileSync(pathOf(path), "utf8");
const withoutCode = (text) => text.replace(/^```[\s\S]*?^```$/gm, "");
const pagesIn = (folder) =>
  readdirSync(pathOf(folder))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `${folder}/${file}`);

/** Where the links of a page lead, seen from the root of the repository; those to other sites are left out. */
function linksOf(path) {
  return [...withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => (target.startsWith("#") ? `${path}${target}` : join(dirname(path), target)));
}

/** The names under which the headings of a page can be linked, as GitHub and most others make them. */
function anchorsOf(path) {
  return [...withoutCode(read(path)).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const listed = ["docs/guides", "docs/reference", "docs/decisions"].flatMap(pagesIn);
const lists = [
  ...listed.map((page) => ["docs/README.md", page]),
  ...pagesIn("docs/guides").map((page) => ["README.md", page]),
];

test.each(lists)("%s lists %s", (index, page) => {
  const title = /^# (.*)$/m.exec(read(page))?.[1] ?? page;
  const link = index === "docs/README.md" ? page.replace("docs/", "") : page;
  const about = page.startsWith("docs/decisions") ? "" : ": what it is about, in a few words";
  const isListed = read(index)
    .split("\n")
    .some((line) => line.startsWith("- [") && line.includes(`](${link})`));
  expect(isListed, `add this line to ${index}, where it fits:\n- [${title}](${link})${about}\n`).toBe(true);
});

test.each(["README.md", "docs/README.md", "docs/internals.md", ...listed])(
  "the links of %s lead somewhere",
  (path) => {
    const broken = linksOf(path).filter((target) => {
      const [file, anchor] = target.split("#");
      if (!existsSync(pathOf(file))) return true;
      return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).includes(anchor);
    });
    expect(broken, `${path} links to what is not there`).toEqual([]);
  },
);
