import { readFileSync } from "node:fs";
import { errorCatalogue } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { commands } from "../src/cli/commands.js";
import { commandHelp } from "../src/cli/help.js";

const page = readFileSync(new URL("../../../docs/reference/cli.md", import.meta.url), "utf8");

/** The flags that the page has a row for, by the command of their section. */
function documented(): Map<string, string[]> {
  const sections = page.split(/^## /m).filter((section) => section.startsWith("`jobbers "));
  return new Map(
    sections.map((section) => {
      const name = /^`jobbers ([a-z-]+)/.exec(section)?.[1] as string;
      return [name, [...section.matchAll(/^\| `--([a-z-]+)/gm)].map((row) => row[1] as string).sort()];
    }),
  );
}

describe("docs/reference/cli.md", () => {
  it("has a section for every command with a row for every flag, and none besides", () => {
    const actual = commands.map(({ name, args }) => {
      const flags = Object.keys(args).filter((flag) => args[flag]?.type !== "positional");
      return [name, flags.sort()] as const;
    });
    expect(Object.fromEntries(documented())).toEqual(Object.fromEntries(actual));
  });

  it("names every exit code of the catalogue", () => {
    for (const { exit } of Object.values(errorCatalogue))
      expect(page).toMatch(new RegExp(`^\\| ${exit} \\|`, "m"));
  });
});

describe("--help", () => {
  it.each(commands.map((command) => [command.name, command] as const))(
    "of %s shows examples and flags",
    async (name, command) => {
      const help = await commandHelp("jobbers", command);
      expect(command.examples.length).toBeGreaterThan(0);
      expect(help).toContain(`  jobbers ${name} `.trimEnd());
      expect(help).toContain("EXAMPLES");
      for (const flag of Object.keys(command.args)) expect(help.toLowerCase()).toContain(flag);
    },
  );
});
