import type { Finding, FindingLevel } from "@jobbers/core";
import { diagnoseBlobs } from "../../diagnose-blobs.js";
import { diagnoseStore } from "../../diagnose-store.js";
import { defineCommand, sharedFlags } from "../command.js";
import { EXIT_STORE } from "../error-report.js";
import { flagError } from "../flags.js";
import { storeUrl } from "../store.js";

const marks: Readonly<Record<FindingLevel, string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };

/** `jobbers doctor`: whether the place where a store lives can be relied on. */
export const doctor = defineCommand({
  name: "doctor",
  description:
    "Look at the place where a store lives: whether it can be relied on, and what a crash would lose",
  args: {
    url: { type: "positional", description: "The store; the same as --store", required: false },
    ...sharedFlags,
  },
  examples: [
    "jobbers doctor redis://127.0.0.1:6379",
    "jobbers doctor --json | jq '.findings[] | select(.level != \"ok\")'",
  ],
  async run({ args, output }) {
    if (args.url !== undefined && args.store !== undefined)
      throw flagError("URL and --store name the store twice; give one of them");
    const { store, findings: ofStore } = await diagnoseStore(storeUrl(args.url ?? args.store));
    const ofBlobs = await diagnoseBlobs(args.blobs);
    const findings = ofBlobs ? [...ofStore, ofBlobs] : ofStore;
    const isFine = findings.every(({ level }) => level !== "fail");
    output.printJson({ store, fine: isFine, findings });
    output.print([store, "", ...linesOf(findings), "", sumOf(findings)].join("\n"));
    return isFine ? 0 : EXIT_STORE;
  },
});

function linesOf(findings: readonly Finding[]): string[] {
  const names = Math.max(...findings.map(({ name }) => name.length));
  const values = Math.min(32, Math.max(...findings.map(({ value }) => value.length)));
  return findings.map(
    ({ name, level, value, sentence }) =>
      `${marks[level]}  ${name.padEnd(names)}  ${value.padEnd(values)}  ${sentence}`,
  );
}

function sumOf(findings: readonly Finding[]): string {
  const count = (wanted: FindingLevel) => findings.filter(({ level }) => level === wanted).length;
  const [fail, warn] = [count("fail"), count("warn")];
  if (fail > 0) return `${fail} of ${findings.length} failed: Jobbers cannot rely on this store`;
  return warn > 0 ? `it can be relied on; ${warn} of ${findings.length} may be better` : "all is well";
}
