import { expect, it } from "vitest";
import { crash } from "./crashing.js";

it("loses nothing and accepts nothing twice while processes are killed, stopped and blocked", async () => {
  const { code, output, figures } = await crash(
    ...["--seed", "7", "--minutes", "0.13", "--lease", "1000", "--every", "450"],
  );
  expect(figures.violations, output).toEqual([]);
  expect(figures.total).toMatchObject({ lost: 0, acceptedTwice: 0 });
  for (const { kind, injected } of figures.rows) expect(injected, kind).toBeGreaterThan(0);
  expect(figures.contested, output).toBeGreaterThan(0);
  expect(code).toBe(0);
}, 90_000);

it("executes nothing again where nothing goes wrong", async () => {
  const { code, output, figures } = await crash(
    ...["--seed", "8", "--minutes", "0.05", "--lease", "4000", "--faults", "none"],
  );
  expect(figures.total, output).toMatchObject({ injected: 0, executedAgain: 0, lost: 0, acceptedTwice: 0 });
  expect(code, output).toBe(0);
}, 60_000);
