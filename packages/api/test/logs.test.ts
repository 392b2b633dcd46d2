import { isRunEvent, type Store, task } from "@jobbers/core";
import { expect, it, onTestFinished } from "vitest";
import type { LogLine, LogPageView } from "../src/index.js";
import { apiOver, problemIn, type TestApi, work, workflows } from "./bench.js";
import { onEachStore } from "./each-store.js";
import { readAll, readEvents } from "./event-reader.js";

/** A task that logs, waits until it is let go on, and logs again. */
function talker() {
  const gates = new Set<() => void>();
  const open = () => {
    for (const each of gates) each();
  };
  onTestFinished(open);
  const talk = task({
    name: "talk",
    async run(_, ctx) {
      ctx.log.info("begun", { pid: 1 });
      ctx.log.warn("so\u001b[31m slow\n");
      await new Promise<void>((resolve) => gates.add(resolve));
      ctx.log.error("done");
    },
  });
  return { talk, open };
}

async function begin(store: Store): Promise<{ api: TestApi; id: string; open: () => void }> {
  const { talk, open } = talker();
  await work(store, [...workflows, talk]);
  const api = apiOver(store);
  return { api, id: await api.submit({ task: "talk" }), open };
}

const linesIn = (data: unknown) => (data as { lines: LogLine[] }).lines.map(({ message }) => message);

/** Resolves when the first lines of a run are kept. */
async function logged(store: Store, id: string): Promise<void> {
  for (let cursor = 0, n = 0; n < 100; n++) {
    const page = await store.readEvents(cursor, 100);
    cursor = page.cursor;
    if (page.events.some((event) => isRunEvent(event) && event.run === id && event.type === "step.logged"))
      return;
    await store.awaitEvents(cursor, { timeoutMs: 1_000, signal: AbortSignal.timeout(5_000) });
  }
  throw new Error("nothing was logged");
}

onEachStore("the log of a run", (openStore) => {
  it("is read in pages, narrowed down by step and level", async () => {
    const store = await openStore();
    const { api, id, open } = await begin(store);
    await logged(store, id);
    open();
    await api.result(id);
    const read = async (query = "") =>
      (await (await api.get(`/v1/runs/${id}/logs${query}`)).json()) as LogPageView;
    const whole = await read();
    const warning = "so\u001b[31m slow\n";
    expect(linesIn(whole)).toEqual(["begun", warning, "done"]);
    expect(whole).toMatchObject({ more: false, dropped: 0 });
    expect(whole.lines[0]).toEqual({
      ...{ step: "talk", attempt: 1, number: 1, level: "info", message: "begun", fields: { pid: 1 } },
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    const first = await read("?limit=2");
    expect([linesIn(first), first.more]).toEqual([["begun", warning], true]);
    expect(linesIn(await read(`?limit=2&after=${first.next}`))).toEqual(["done"]);
    expect(linesIn(await read("?level=warn&step=talk"))).toEqual([warning, "done"]);
    expect(linesIn(await read("?step=other"))).toEqual([]);
  });

  it("is followed from its beginning to the run's end, and gone on with from where the client was", async () => {
    const store = await openStore();
    const { api, id, open } = await begin(store);
    const path = `/v1/runs/${id}/logs/stream`;
    const seen: string[] = [];
    let last: string | undefined;
    const answer = await api.get(path);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    for await (const { event, data, id: place } of readEvents(answer)) {
      seen.push(event === "end" ? "END" : linesIn(data).join());
      last ??= place;
      // It was seen while the step runs.
      if (seen.length === 1) expect((await store.getRun(id))?.state).toBe("running");
      open();
    }
    expect(seen).toEqual(["begun,so\u001b[31m slow\n", "done", "END"]);
    const back = await readAll(await api.get(path, { "last-event-id": last as string }));
    expect(back.map(({ event, data }) => (event === "end" ? event : linesIn(data)))).toEqual([
      ["done"],
      "end",
    ]);
    const errors = await readAll(await api.get(`${path}?level=error`));
    expect(errors.map(({ event }) => event)).toEqual(["lines", "end"]);
  });

  it("is refused for a run that is not there, and at a place that is none", async () => {
    const api = apiOver(await openStore());
    const unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (const path of ["logs", "logs/stream"])
      expect((await problemIn(await api.get(`/v1/runs/${unknown}/${path}`))).code).toBe("run-unknown");
    expect((await problemIn(await api.get(`/v1/runs/${unknown}/logs?after=x`))).code).toBe("cursor-invalid");
    expect((await problemIn(await api.get(`/v1/runs/${unknown}/logs?level=loud`))).code).toBe(
      "query-invalid",
    );
  });
});
