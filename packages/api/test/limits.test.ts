import { expect, it } from "vitest";
import { apiOver, problemIn, register } from "./bench.js";
import { onEachStore } from "./each-store.js";

onEachStore("limits", (open) => {
  const post = (api: ReturnType<typeof apiOver>, body: unknown) =>
    api.request("/v1/limits", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it("lists, sets and shows them", async () => {
    const store = await open();
    const api = apiOver(store);
    await register(store);
    expect(await (await api.get("/v1/limits")).json()).toEqual({ limits: [] });
    const set = { rate: 10, perMs: 1_000, burst: 1 };
    const edited = await post(api, { limit: "double/rate", set });
    expect([edited.status, await edited.json()]).toEqual([
      200,
      { limit: { name: "double/rate", edit: set, isKeyed: false } },
    ]);
    expect(await (await api.get("/v1/limits")).json()).toEqual({
      limits: [{ name: "double/rate", edit: set, isKeyed: false }],
    });
    const usage = await api.get(`/v1/limits/usage?limit=${encodeURIComponent("double/rate")}`);
    expect(await usage.json()).toMatchObject({
      limit: "double/rate",
      key: "",
      setting: set,
      used: 0,
      parked: 0,
    });
    const gone = await post(api, { limit: "double/rate", set: "default" });
    expect([gone.status, await gone.json()]).toEqual([200, {}]);
  });

  it("refuses what makes no sense, naming it", async () => {
    const api = apiOver(await open());
    const refusal = async (body: unknown) => problemIn(await post(api, body));
    expect(await refusal({ limit: "stripe", set: { concurrency: 1 } })).toMatchObject({
      code: "limit-unknown",
    });
    expect(await refusal({ limit: "a/rate", set: { concurrency: 1 } })).toMatchObject({
      code: "limit-invalid",
    });
    expect(await refusal({ limit: "a/concurrency", set: { concurrency: 0 } })).toMatchObject({
      code: "body-invalid",
    });
    expect(await refusal({ limit: "a/rate", set: { rate: 1, perMs: 0, burst: 1 } })).toMatchObject({
      code: "body-invalid",
    });
    expect(await problemIn(await api.get("/v1/limits/usage?limit=stripe"))).toMatchObject({
      code: "limit-unknown",
    });
  });
});
