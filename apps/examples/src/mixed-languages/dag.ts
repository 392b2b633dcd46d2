// How long are the sentences of some texts? TypeScript reads them, Python does the statistics, Java draws:
//   npx jobbers run readability apps/examples/src/mixed-languages/dag.ts --input '{"folder":"docs/guides","page":"readability.html"}'
import { dag } from "jobbers";
import { z } from "zod";
import { compareTexts, drawChart } from "./programs.js";
import { listTexts, readText, writePage } from "./tasks.js";

/** Writes a page that compares the texts in a folder by the length of their sentences. */
export const readability = dag(
  "readability",
  { input: z.object({ folder: z.string(), page: z.string() }) },
  ({ folder, page }) => {
    const texts = listTexts({ folder }).map((file) => readText({ file }));
    const compared = compareTexts({ texts });
    const chart = drawChart({ texts: compared });
    return writePage({ page, texts: compared, chart });
  },
);
