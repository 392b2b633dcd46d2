import { fileURLToPath } from "node:url";
import { command } from "jobbers";
import { z } from "zod";

// Seen from src/mixed-languages as well as from dist/mixed-languages.
const program = (name: string) => fileURLToPath(new URL(`../../programs/${name}`, import.meta.url));

/** What is known of a text's sentences; all lengths are in words. */
export const comparedText = z.object({
  title: z.string(),
  sentences: z.number(),
  mean: z.number(),
  longest: z.number(),
});

/** Compares texts by the length of their sentences, in Python; the longest come first. */
export const compareTexts = command({
  name: "compare-texts",
  input: z.object({ texts: z.array(z.object({ title: z.string(), lengths: z.array(z.number()) })) }),
  output: z.array(comparedText),
  run: ["python3", program("compare-texts.py")],
  env: { PYTHONUTF8: "1" },
  timeout: "10m",
  heartbeat: "1m",
});

/** Draws a bar for each text, in Java; answers an SVG picture. */
export const drawChart = command({
  name: "draw-chart",
  input: z.object({ texts: z.array(z.object({ title: z.string(), mean: z.number() })) }),
  output: z.string(),
  run: ({ texts }) => [
    "java",
    program("draw-chart.java"),
    ...texts.flatMap(({ title, mean }) => [title, String(mean)]),
  ],
  // What Java takes arguments and stdout to be written in.
  env: { LC_ALL: "C.UTF-8" },
  timeout: "1m",
});
