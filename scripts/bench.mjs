// `npm run bench [-- args]`: the benchmarks, built first where that is needed.
import { runProgram } from "./program.mjs";

await runProgram("apps/bench/dist/main.js", process.argv.slice(2));
