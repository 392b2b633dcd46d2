import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Renewer, Store } from "@jobbers/core";
import { diagnoseRedis, openRedisStore, type TlsTexts } from "@jobbers/store-redis";
import { openDriver, submissionOf } from "@jobbers/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openClient, placeOf } from "../src/connection.js";
import { call } from "./cluster-nodes.js";
import { freePort, type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";
import { MASTER, startSentinel } from "./sentinel.js";

const path = (name: string) => fileURLToPath(new URL(`tls/${name}.pem`, import.meta.url));
const text = (name: string) => readFileSync(path(name), "utf8");

/** A server that takes TLS on a second port. */
interface TlsServer {
  readonly url: string;
  readonly server: RedisServer;
}

async function startTls(name: string, ...args: string[]): Promise<TlsServer> {
  const port = await freePort();
  const files = ["--tls-cert-file", path(name), "--tls-key-file", path(`${name}-key`)];
  const rest = ["--tls-ca-cert-file", path("ca"), "--tls-port", String(port), ...args];
  return { url: `rediss://127.0.0.1:${port}`, server: await startRedis(...files, ...rest) };
}

let open: TlsServer;
let elsewhere: TlsServer;
let strict: TlsServer;
let store: Store | undefined;
beforeAll(async () => {
  [open, elsewhere, strict] = await Promise.all([
    startTls("server", "--tls-auth-clients", "no"),
    startTls("elsewhere", "--tls-auth-clients", "no"),
    startTls("server", "--tls-auth-clients", "yes"),
  ]);
});
afterEach(async () => {
  await store?.close();
  store = undefined;
});
afterAll(() => Promise.all([open, elsewhere, strict].map((each) => each?.server.stop())));

/** Main connection, mailbox and renewal, all with the given certificates. */
async function works(url: string, tls: TlsTexts): Promise<void> {
  const opened = await openRedisStore(url, { tls });
  store = opened;
  const worker = await openDriver(opened, { serves: ["a"] });
  const wait = { queues: ["default"], timeoutMs: 60_000, signal: new AbortController().signal };
  const listening = opened.listen(worker.session.id, wait);
  await opened.submit([submissionOf(single(), 1)]);
  await listening;
  expect(await worker.finish()).toBe(1);
  const { module, data } = opened.renewal as NonNullable<Store["renewal"]>;
  const { openRenewer } = (await import(module)) as { openRenewer(data: unknown): Renewer };
  const renewer = openRenewer(JSON.parse(JSON.stringify(data)));
  expect(await renewer.renew(worker.session.id)).toMatchObject({ status: "alive" });
  await renewer.close();
}

async function refusal(url: string, tls: TlsTexts = {}): Promise<Error & { code?: string }> {
  return await openRedisStore(url, { tls }).then(
    () => new Error("it was opened"),
    (error: Error) => error,
  );
}

test("a server with a certificate of a private authority is used with that authority", async () => {
  await works(open.url, { ca: text("ca") });
  const { findings } = await diagnoseRedis(open.url, { tls: { ca: text("ca") } });
  expect(findings.filter(({ level }) => level === "fail")).toEqual([]);
});

test("a server that asks for our certificate gets it", async () => {
  await works(strict.url, { ca: text("ca"), cert: text("client"), key: text("client-key") });
  expect(await refusal(strict.url, { ca: text("ca") })).toMatchObject({
    code: "store-untrusted",
    message: expect.stringContaining("tls.cert"),
  });
});

test("a certificate that nobody vouches for is refused, with what to do", async () => {
  for (const tls of [{}, { ca: text("other-ca") }]) {
    expect(await refusal(open.url, tls)).toMatchObject({
      code: "store-untrusted",
      message: expect.stringContaining("tls.ca"),
      remedy: expect.stringContaining("JOBBERS_TLS_CA"),
    });
  }
  const { findings } = await diagnoseRedis(open.url);
  expect(findings).toMatchObject([{ name: "connection", level: "fail" }]);
});

test("a certificate for another host is refused", async () => {
  expect(await refusal(elsewhere.url, { ca: text("ca") })).toMatchObject({
    code: "store-untrusted",
    message: expect.stringContaining("is for another name"),
  });
});

test("TLS where there is none, and none where there is, are told with what may be meant", async () => {
  const plain = placeOf(`rediss://127.0.0.1:${open.server.port}`, "main", { ca: text("ca") });
  await expect(openClient(plain, { connectTimeout: 300 })).rejects.toMatchObject({
    code: "store-busy",
    message: expect.stringContaining("write redis in place of rediss"),
  });
  expect(await refusal(open.url.replace("rediss", "redis"))).toMatchObject({
    code: "store-busy",
    message: expect.stringContaining("write rediss in place of redis"),
  });
});

test("Sentinel is spoken to by TLS like its master", async () => {
  const sentinel = await startSentinel(
    Number(new URL(open.url).port),
    "port 0",
    "tls-port PORT",
    "tls-auth-clients no",
    "tls-replication yes",
    `tls-ca-cert-file ${path("ca")}`,
    `tls-cert-file ${path("server")}`,
    `tls-key-file ${path("server-key")}`,
  );
  try {
    const url = `rediss+sentinel://127.0.0.1:${sentinel.port}/${MASTER}/1`;
    await works(url, { ca: text("ca") });
    expect(await refusal(url)).toMatchObject({ code: "store-untrusted" });
  } finally {
    await sentinel.stop();
  }
});

test("the nodes of a cluster are spoken to by TLS", async () => {
  const bus = ["--cluster-port", String(await freePort()), "--tls-cluster", "yes"];
  const node = await startTls("server", "--tls-auth-clients", "no", "--cluster-enabled", "yes", ...bus);
  try {
    await call(node.server, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    while (!String(await call(node.server, "CLUSTER", "INFO")).includes("cluster_state:ok"));
    await works(node.url.replace("rediss", "rediss+cluster"), { ca: text("ca") });
  } finally {
    await store?.close();
    await node.server.stop();
  }
});

test("texts that are no certificates are refused as such", async () => {
  expect(await refusal(open.url, { ca: path("ca") })).toMatchObject({
    code: "store-untrusted",
    message: expect.stringContaining("tls.ca is no PEM text"),
  });
  const [cert, key] = [text("client"), text("server-key")];
  expect(await refusal(strict.url, { ca: text("ca"), cert, key })).toMatchObject({
    code: "store-untrusted",
    message: expect.stringContaining("cannot be read"),
  });
});
