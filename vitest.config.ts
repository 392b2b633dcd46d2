import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const packagesDirectory = fileURLToPath(new URL("packages", import.meta.url));

type Target = string | { default: string };

/** Every export of every package, pointed at its source, so that tests need no build. */
function sourceAliases() {
  return readdirSync(packagesDirectory).flatMap((directory) => {
    const manifest = `${packagesDirectory}/${directory}/package.json`;
    if (!existsSync(manifest)) return [];
    const { name, exports = {} } = JSON.parse(readFileSync(manifest, "utf8")) as {
      name: string;
      exports?: Record<string, Target>;
    };
    return Object.entries(exports).flatMap(([subpath, target]) => {
      const built = typeof target === "string" ? target : target.default;
      if (!built.startsWith("./dist/")) return [];
      const source = built.replace("./dist/", "src/").replace(/\.js$/, ".ts");
      return [
        {
          find: new RegExp(`^${name}${subpath.slice(1)}$`),
          replacement: `${packagesDirectory}/${directory}/${source}`,
        },
      ];
    });
  });
}

export default defineConfig({
  resolve: { alias: sourceAliases() },
  test: {
    include: ["{packages,apps}/*/{test,src}/**/*.test.ts", "scripts/**/*.test.mjs"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A passing test's console output only hides what matters.
    silent: "passed-only",
  },
});
