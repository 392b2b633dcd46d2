import { readFileSync } from "node:fs";
import { root } from "./root.mjs";

const numbers = (version) => version.split(".").map(Number);

/** Says in one sentence what is wrong with this Node.js version, or nothing when it is new enough. */
export function nodeVersionProblem(version = process.versions.node) {
  const { engines } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  const floor = engines.node.replace(">=", "");
  const [major, minor] = numbers(version);
  const [floorMajor, floorMinor] = numbers(floor);
  if (major > floorMajor || (major === floorMajor && minor >= floorMinor)) return undefined;
  return `Jobbers needs Node.js ${floor} or newer, and this is ${version}; see https://nodejs.org for a newer one.`;
}
