import { expect, it } from "vitest";
import { crash } from "./crashing.js";

const kinds = [
  ...["kill", "stop", "late-return", "block", "drain", "submitter", "redis-kill", "script-flush"],
  ...["out-of-memory", "read-only", "stall", "drop", "cut-reply"],
];

it("loses nothing and accepts nothing twice, whatever happens to workers, server and network", async () => {
  const { code, output, figures } = await crash(
    ...["--store", "redis:spawn", "--seed", "7", "--minutes", "0.2", "--lease", "1000", "--every", "350"],
  );
  expect(figures.violations, output).toEqual([]);
  expect(figures.total).toMatchObject({ lost: 0, acceptedTwice: 0 });
  expect(figures.rows.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds));
  for (const { kind, injected, executedAgain, mostAgain } of figures.rows) {
    expect(injected, kind).toBeGreaterThan(0);
    expect(executedAgain, kind).toBeLessThanOrEqual(mostAgain);
    expect(output).toMatch(new RegExp(`^${kind} `, "m"));
  }
  expect(figures.contested, output).toBeGreaterThan(0);
  expect(code).toBe(0);
}, 150_000);

it("loses nothing that was acknowledged when a server is killed that syncs its log once a second", async () => {
  const { code, output, figures } = await crash(
    ...["--store", "redis:spawn", "--appendfsync", "everysec", "--faults", "redis-kill"],
    ...["--seed", "9", "--minutes", "0.08", "--every", "700"],
  );
  expect(figures.violations, output).toEqual([]);
  expect(figures.total.injected).toBeGreaterThan(0);
  expect(code, output).toBe(0);
}, 90_000);

it("executes nothing again where nothing goes wrong", async () => {
  const { code, output, figures } = await crash(
    ...["--store", "redis:spawn", "--seed", "8", "--minutes", "0.05", "--lease", "4000", "--faults", "none"],
  );
  expect(figures.total, output).toMatchObject({ injected: 0, executedAgain: 0, lost: 0, acceptedTwice: 0 });
  expect(code, output).toBe(0);
}, 60_000);
