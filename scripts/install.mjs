import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runNode } from "./command.mjs";
import { pathOf } from "./root.mjs";

const packagesOf = (lockfile) => JSON.parse(readFileSync(lockfile, "utf8")).packages;

/**
 * Whether node_modules holds what package-lock.json asks for. npm's own record of what it installed is
 * compared entry by entry, since modification times lie after a checkout. Optional packages are for other
 * platforms as often as for this one, so they prove nothing.
 */
export function isInstalled() {
  const record = pathOf("node_modules/.package-lock.json");
  if (!existsSync(record)) return false;
  const present = packagesOf(record);
  return Object.entries(packagesOf(pathOf("package-lock.json"))).every(([place, wanted]) => {
    if (!place.includes("node_modules/") || wanted.optional || wanted.devOptional || wanted.peer) return true;
    return present[place]?.version === wanted.version && existsSync(pathOf(place));
  });
}

/** The JavaScript of npm itself: started through Node.js it needs no shell on any platform. */
function npmProgram() {
  const running = process.env.npm_execpath ?? "";
  if (running.endsWith("npm-cli.js")) return running;
  const bin = dirname(process.execPath);
  const places = [
    join(bin, "../lib/node_modules/npm"),
    join(bin, "node_modules/npm"),
    "/usr/share/nodejs/npm",
  ];
  return places.map((place) => join(place, "bin/npm-cli.js")).find(existsSync);
}

/** Installs exactly what the lockfile says, development tools included, whatever NODE_ENV is. */
export async function install() {
  const npm = npmProgram();
  if (!npm) return { ok: false, output: "npm was not found next to Node.js; run `npm ci` by hand." };
  return runNode(npm, ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
}
