import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

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

/** What takes longest, longest first. A fresh clone knows no times, and vitest would go by the size of files. */
const long = [
  "store-redis/test/contract",
  "store-sqlite/test/contract",
  "store-redis/test/cluster.",
  "bench/test/crash-redis",
  "jobbers/test/cli-dev",
  "jobbers/test/cli-server",
  "store-redis/test/model",
  "examples/test/main-job",
  "store-redis/test/twins",
  "bench/test/crash.",
  "store-redis/test/sentinel",
  "examples/test/several-workers",
  "worker/test/renewal",
  "jobbers/test/cli-signals",
  "jobbers/test/http-guide",
  "examples/test/name-worker",
];

/** Starts long files first, so that none of them runs alone in the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = long.findIndex((each) => moduleId.includes(each));
      return place < 0 ? long.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  resolve: { alias: sourceAliases() },
  test: {
    include: ["{packages,apps}/*/{test,src}/**/*.test.ts", "scripts/**/*.test.mjs"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**"],
    pool: "forks",
    // Tests wait for servers, timers and disks as often as they compute: one more than two cores keeps both busy.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A passing test's console output only hides what matters.
    silent: "passed-only",
  },
});
