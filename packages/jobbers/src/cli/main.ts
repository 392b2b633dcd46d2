import { readFileSync } from "node:fs";
import { commands } from "./commands.js";
import { runProgram } from "./program.js";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

await runProgram(
  {
    name: "jobbers",
    version: manifest.version,
    description:
      "Jobbers, an async/await-native workflow engine: runs dags and tasks, and shows where they are.",
    commands,
  },
  process.argv.slice(2),
);
