import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ErrorCode, errorCatalogue, JobbersError, RunCancelled, RunFailed } from "../src/index.js";

const page = readFileSync(new URL("../../../docs/reference/errors.md", import.meta.url), "utf8");
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section]),
);

describe("the catalogue and its page", () => {
  it("have the same codes", () => {
    expect([...sections.keys()].sort()).toEqual(Object.keys(errorCatalogue).sort());
  });

  it.each(Object.keys(errorCatalogue) as ErrorCode[])("agree on %s", (code) => {
    const { title, remedy, status, exit } = errorCatalogue[code];
    const section = sections.get(code);
    expect(section).toContain(`**${title}.** HTTP ${status}, exit code ${exit}.`);
    expect(section).toContain(`What to do: ${remedy}`);
    expect(section).toMatch(/\n```\n.+\n```\n/);
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(exit).toBeGreaterThan(0);
  });
});

describe("errors", () => {
  it("carry code, detail, cause and remedy", () => {
    const cause = new Error("why");
    const error = new JobbersError("not-json", "input is a Date", { cause, detail: { path: [] } });
    expect(error).toMatchObject({ name: "JobbersError", code: "not-json", cause, detail: { path: [] } });
    expect(error.remedy).toBe(errorCatalogue["not-json"].remedy);
    expect("cause" in new JobbersError("not-json", "")).toBe(false);
  });

  it("say which step failed, with what, after how many tries", () => {
    const error = { name: "TypeError", message: "fetch failed" };
    const failed = new RunFailed({ run: "R", step: "fetch[3]", error, attempts: 5 });
    expect(failed).toBeInstanceOf(JobbersError);
    expect(failed).toMatchObject({
      name: "RunFailed",
      code: "run-failed",
      run: "R",
      step: "fetch[3]",
      error,
      attempts: 5,
    });
    expect(failed.message).toBe('run R failed in step "fetch[3]" after 5 tries: TypeError: fetch failed');
    expect(String(failed)).toMatch(/^RunFailed: /);
  });

  it("say that a run was cancelled", () => {
    expect(new RunCancelled("R", "by hand")).toMatchObject({
      name: "RunCancelled",
      code: "run-cancelled",
      message: "run R was cancelled: by hand",
    });
  });
});
