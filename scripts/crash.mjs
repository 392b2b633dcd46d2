// `npm run crash [-- args]`: the fault bench, built first where that is needed.
import { runProgram } from "./program.mjs";

await runProgram("apps/bench/dist/crash/main.js", process.argv.slice(2));
