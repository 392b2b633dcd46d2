/**
 * A process that submits and runs single tasks for ever, for tests that kill it. It tells of what the store has acknowledged, and
 * only of that, in lines: `session ID`, `submitted RUN`, `done RUN`.
 */
import { writeSync } from "node:fs";
import type { Report } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { openDriver, samplePlans, submissionOf } from "@jobbers/testing";

const [url, most] = process.argv.slice(2) as [string, string];
const tell = (line: string) => writeSync(1, `${line}\n`);
const store = await openSqliteStore(url);
const worker = await openDriver(store, { serves: ["a"], leaseMs: 600_000 });
tell(`session ${worker.session.id}`);

let reports: Report[] = [];
for (let i = 0; i < Number(most); i++) {
  const batch = Array.from({ length: 20 }, (_, n) => submissionOf(samplePlans.single(), [i, n]));
  const submitting = store.submit(batch).then((results) => {
    for (const { id } of results) tell(`submitted ${id}`);
  });
  const reply = await worker.exchange(reports, { slots: 20, control: 5 });
  for (const [n, report] of reports.entries()) {
    if (reply.results[n] === "accepted") tell(`done ${report.lease.run}`);
  }
  reports = await Promise.all(reply.grants.map((grant) => worker.success(grant, grant.lease.run)));
  await submitting;
}
await worker.exchange(reports);
await store.closeSession(worker.session.id);
await store.close();
