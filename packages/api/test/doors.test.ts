import { JobbersError } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { createApi } from "../src/index.js";
import { apiOver, problemIn, register } from "./bench.js";
import { openMemory } from "./each-store.js";

const TOKEN = "jb_ci_0123456789abcdefghij";
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("Host", () => {
  it("is a name of the loopback address, unless others are allowed", async () => {
    const api = apiOver(await openMemory());
    for (const host of ["localhost", "LOCALHOST:8700", "127.0.0.1:1", "[::1]:8700", "[::1]"])
      expect((await api.get("/healthz", { host })).status).toBe(200);
    for (const host of [
      "evil.example",
      "localhost.evil.example",
      "127.0.0.1.nip.io:8700",
      "localhost:x",
      "[::2]",
    ])
      expect(await problemIn(await api.get("/healthz", { host }))).toMatchObject({
        status: 421,
        code: "host-not-allowed",
      });
    expect(await problemIn(await api.request("http://evil.example/healthz"))).toMatchObject({ status: 421 });

    const named = apiOver(await openMemory(), { hosts: ["jobs.example", "other.example:8080"] });
    for (const host of ["jobs.example:443", "other.example:8080"])
      expect((await named.get("/healthz", { host })).status).toBe(200);
    for (const host of ["localhost", "other.example"])
      expect((await named.get("/healthz", { host })).status).toBe(421);
    expect(
      (await apiOver(await openMemory(), { hosts: ["*"] }).get("/healthz", { host: "any.example" })).status,
    ).toBe(200);
  });
});

describe("tokens", () => {
  it("are asked for everywhere but at /healthz and for the documentation", async () => {
    const api = apiOver(await openMemory(), { tokens: [TOKEN] });
    for (const path of ["/healthz", "/docs", "/docs/errors", "/docs/style.css", "/openapi.json"])
      expect((await api.get(path)).status).toBe(200);
    const home = await api.get("/");
    expect([home.status, home.headers.get("location")]).toEqual([302, "/docs"]);
    for (const path of ["/v1/runs", "/readyz", "/docs/", "/docs/nothing", "//docs", "/nothing"]) {
      const answer = await api.get(path);
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="jobbers"');
      expect(await problemIn(answer)).toMatchObject({ status: 401, code: "unauthorized" });
    }
    expect((await api.get("/v1/runs", bearer(TOKEN))).status).toBe(200);
    const wrong = [
      "jb_ci_0123456789abcdefghik",
      "jb_other_0123456789abcdefghij",
      "jb_ci_",
      "",
      `${TOKEN} x`,
      `${TOKEN}j`,
    ];
    for (const token of wrong) expect((await api.get("/v1/runs", bearer(token))).status).toBe(401);
    expect((await api.get("/v1/runs", { authorization: `Basic ${TOKEN}` })).status).toBe(401);
    expect((await api.get(`/v1/runs?token=${TOKEN}`)).status).toBe(401);
  });

  it("have a form, and a refusal shows none", async () => {
    const store = await openMemory();
    for (const tokens of [["secret-secret-secret"], ["jb_a_short"], [TOKEN, TOKEN]]) {
      const make = () => createApi({ store, tokens });
      expect(make).toThrow(JobbersError);
      expect(make).not.toThrow(/secret-|short|0123456789/);
    }
  });
});

describe("pages of other sites", () => {
  it("change nothing, unless a token says who they are", async () => {
    const store = await openMemory();
    await register(store);
    const open = apiOver(store);
    const body = { task: "double", input: { n: 1 } };
    for (const site of ["cross-site", "same-site", "nonsense"]) {
      const answer = await open.post("/v1/runs", body, { "sec-fetch-site": site });
      expect(await problemIn(answer)).toMatchObject({ status: 403, code: "cross-site" });
      // Where no tokens are known, one that is sent proves nothing.
      expect((await open.post("/v1/runs", body, { "sec-fetch-site": site, ...bearer(TOKEN) })).status).toBe(
        403,
      );
      expect((await open.get("/v1/runs", { "sec-fetch-site": site })).status).toBe(200);
    }
    for (const site of ["same-origin", "none"])
      expect((await open.post("/v1/runs", body, { "sec-fetch-site": site })).status).toBe(201);
    const guarded = apiOver(store, { tokens: [TOKEN] });
    const known = { "sec-fetch-site": "cross-site", ...bearer(TOKEN) };
    expect((await guarded.post("/v1/runs", body, known)).status).toBe(201);
  });

  it("change nothing in browsers that leave out Sec-Fetch-Site, for these say their Origin", async () => {
    const store = await openMemory();
    await register(store);
    const api = apiOver(store);
    const body = { task: "double", input: { n: 1 } };
    const host = "localhost:8700";
    for (const origin of ["https://evil.example", "http://localhost:1", "http://localhost", "null", "x"])
      for (const path of ["/v1/runs", "/v1/runs/01KADGN2Q7ZJ4M3V8XW5T9R6BC/cancel"])
        expect(await problemIn(await api.post(path, body, { host, origin }))).toMatchObject({
          status: 403,
          code: "cross-site",
        });
    for (const origin of ["http://localhost:8700", "https://localhost:8700"])
      expect((await api.post("/v1/runs", body, { host, origin })).status).toBe(201);
    // What the browser says of itself counts more: a proxy in between may have changed the host.
    const proxied = { host, origin: "https://jobs.example", "sec-fetch-site": "same-origin" };
    expect((await api.post("/v1/runs", body, proxied)).status).toBe(201);
  });

  it("get no CORS headers", async () => {
    const api = apiOver(await openMemory());
    const origin = { origin: "https://evil.example", "access-control-request-method": "POST" };
    const preflight = await api.request("/v1/runs", { method: "OPTIONS", headers: origin });
    expect(preflight.status).toBe(405);
    for (const answer of [preflight, await api.get("/v1/runs", origin)])
      expect([...answer.headers.keys()].filter((key) => key.startsWith("access-control"))).toEqual([]);
  });
});

describe("what is not there", () => {
  it("is a problem too", async () => {
    const api = apiOver(await openMemory());
    for (const path of ["/v1", "/v1/runs/", "/v2/runs", "/v1/runs/x/y", "/v1//runs", "/v1/runs/%zz/x"])
      expect(await problemIn(await api.get(path))).toMatchObject({ status: 404, code: "route-unknown" });
    const answer = await api.request("/v1/runs", { method: "DELETE" });
    expect(answer.headers.get("allow")).toBe("POST, GET, HEAD");
    expect(await problemIn(answer)).toMatchObject({ status: 405, code: "method-not-allowed" });
    expect((await api.request("/v1/runs/x/steps/a/b", { method: "PUT" })).status).toBe(405);
  });

  it("says nothing of its own faults, but to whoever runs it", async () => {
    const seen: unknown[] = [];
    const store = await openMemory();
    await register(store);
    const faulty = new Proxy(store, {
      get: (target, key) =>
        key === "listQueues" || key === "submit"
          ? () => Promise.reject(new Error("secret /etc/passwd"))
          : Reflect.get(target, key, target),
    });
    const api = apiOver(faulty, { onFault: (error) => seen.push(error) });
    const answer = await api.get("/v1/queues");
    const text = await answer.clone().text();
    expect(await problemIn(answer)).toMatchObject({ status: 500, code: "internal" });
    expect(text).not.toContain("passwd");
    const submitted = await api.post("/v1/runs", { task: "double", input: { n: 1 } });
    expect(await submitted.clone().text()).not.toContain("passwd");
    expect(await problemIn(submitted)).toMatchObject({ status: 500, code: "internal" });
    expect(seen).toMatchObject([{ message: "secret /etc/passwd" }, { message: "secret /etc/passwd" }]);
  });
});

describe("every answer", () => {
  it("is neither sniffed, kept nor told on", async () => {
    const api = apiOver(await openMemory());
    for (const path of [
      "/v1/runs",
      "/healthz",
      "/nothing",
      "/docs",
      "/docs/style.css",
      "/docs/errors",
      "/openapi.json",
      "/v1/events",
    ]) {
      const { headers } = await api.get(path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });

  it("to HEAD opens no stream", async () => {
    const api = apiOver(await openMemory());
    const answer = await api.request("/v1/events", { method: "HEAD" });
    expect([answer.status, answer.headers.get("content-type"), answer.body]).toEqual([
      200,
      "text/event-stream",
      null,
    ]);
  });
});
