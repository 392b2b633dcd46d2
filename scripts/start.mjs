// `npm start [-- args]`: the main job, from a clone with nothing but Node.js and npm.
import { runProgram } from "./program.mjs";

await runProgram("apps/examples/dist/dependency-audit/main.js", process.argv.slice(2));
