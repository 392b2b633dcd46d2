import { appendFile } from "node:fs/promises";

/** Notes in the file that JOURNAL names, where it does, which process begins a step: so one sees what was done how often. */
export async function noteInJournal(step: string): Promise<void> {
  const journal = process.env.JOURNAL;
  if (journal) await appendFile(journal, `${step} ${process.pid}\n`);
}
