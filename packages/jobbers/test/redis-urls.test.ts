import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connect, JobbersError } from "jobbers";
import { afterEach, expect, it } from "vitest";
import { diagnoseStore } from "../src/diagnose-store.js";
import { tlsTexts } from "../src/tls-files.js";

const here = fileURLToPath(import.meta.url);
afterEach(() => {
  delete process.env.JOBBERS_TLS_CA;
});

it.each([
  "redis://127.0.0.1:1",
  "rediss://127.0.0.1:1/2",
  "redis+sentinel://127.0.0.1:1,[::1]:2/jobs",
  "rediss+sentinel://127.0.0.1:1/jobs/3",
  "redis+cluster://127.0.0.1:1,127.0.0.1:2",
  "REDISS+cluster://me:secret@127.0.0.1:1",
])("%s is understood by connect and by doctor", async (url) => {
  await expect(connect(url)).rejects.toMatchObject({ code: "store-busy" });
  const { findings } = await diagnoseStore(url);
  expect(findings).toMatchObject([{ name: "connection", level: "fail" }]);
  expect(JSON.stringify(findings)).not.toContain("secret");
});

it("certificates that are given count before the files of the environment", async () => {
  const environment = { JOBBERS_TLS_CA: here, JOBBERS_TLS_KEY: here };
  const own = readFileSync(here, "utf8");
  expect(await tlsTexts(undefined, environment)).toEqual({ ca: own, key: own });
  expect(await tlsTexts({ ca: "given" }, environment)).toEqual({ ca: "given" });
  expect(await tlsTexts(undefined, {})).toEqual({});
});

it("the environment's certificates reach the store, of connect and of doctor", async () => {
  process.env.JOBBERS_TLS_CA = here;
  const message = expect.stringContaining("tls.ca is no PEM text");
  await expect(connect("rediss://127.0.0.1:1")).rejects.toMatchObject({ code: "store-untrusted", message });
  await expect(diagnoseStore("rediss://127.0.0.1:1")).rejects.toMatchObject({ message });
});

it("a certificate file that cannot be read is named with its variable", async () => {
  const error = await tlsTexts(undefined, { JOBBERS_TLS_CERT: `${here}.gone` }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(JobbersError);
  expect(error).toMatchObject({ code: "flag-invalid", message: expect.stringMatching(/^JOBBERS_TLS_CERT/) });
});
