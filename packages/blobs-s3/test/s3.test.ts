import { blobsContract } from "@jobbers/testing/contract";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openS3Blobs } from "../src/index.js";
import { credentials, type S3Server, startS3Server } from "./s3-server.js";

const RUN = "01KADGN2Q7ZJ4M3V8XW5T9R6BC";
let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.objects.clear();
  server.asked.length = 0;
});
const urlOf = (bucket = "jobs/large/values", region = "eu-central-1") =>
  `s3://${bucket}?endpoint=${encodeURIComponent(server.endpoint)}&region=${region}`;

blobsContract("blobs in a bucket", () => openS3Blobs(urlOf(), { credentials }));

describe("a bucket", () => {
  it("has its objects below the prefix, and is shown without its settings", async () => {
    const blobs = await openS3Blobs(urlOf(), { credentials });
    await blobs.put(`${RUN}/a.x`, Buffer.from("1"));
    expect([...server.objects.keys()]).toEqual([`large/values/${RUN}/a.x`]);
    expect(blobs.url).toBe("s3://jobs/large/values");
    const bare = await openS3Blobs(urlOf("jobs"), { credentials });
    await bare.put(`${RUN}/a.x`, Buffer.from("2"));
    expect(server.objects.has(`${RUN}/a.x`)).toBe(true);
    expect(bare.url).toBe("s3://jobs");
  });

  it("is asked again while its server is busy", async () => {
    const blobs = await openS3Blobs(urlOf(), { credentials });
    server.troubles.push(
      { status: 503, body: "<Error><Code>SlowDown</Code></Error>" },
      { status: 500, body: "" },
    );
    await blobs.put(`${RUN}/a.x`, Buffer.from("1"));
    expect(server.asked).toHaveLength(3);
  });

  it("that refuses is told of in words", async () => {
    const put = async (url: string, keys = credentials) =>
      (await openS3Blobs(url, { credentials: keys })).put(`${RUN}/a.x`, Buffer.from("1"));
    const wrong = { ...credentials, secretAccessKey: "wrong" };
    await expect(put(urlOf(), wrong)).rejects.toMatchObject({
      code: "blob-unwritable",
      message:
        "s3://jobs/large/values: these keys may not do that, or are wrong (HTTP 403 SignatureDoesNotMatch)",
    });
    await expect(put(urlOf("no-such-bucket"))).rejects.toThrow(
      "there is no such bucket (HTTP 404 NoSuchBucket)",
    );
    await expect(put(urlOf("jobs", "us-east-2"))).rejects.toThrow("these keys may not do that");
    server.troubles.push({ status: 400, body: "<Error><Code>QuotaExceeded</Code></Error>" });
    await expect(put(urlOf())).rejects.toThrow("it has no room left (HTTP 400 QuotaExceeded)");
    const blobs = await openS3Blobs(urlOf("no-such-bucket"), { credentials });
    await expect(blobs.get(`${RUN}/a.x`)).rejects.toMatchObject({ code: "blob-unreachable" });
    await expect(blobs.deleteAll(RUN)).rejects.toMatchObject({ code: "blob-unreachable" });
  });

  it("whose server is away may come back", async () => {
    const gone = await startS3Server();
    const url = `s3://jobs?endpoint=${encodeURIComponent(gone.endpoint)}&region=eu-central-1`;
    await gone.stop();
    const blobs = await openS3Blobs(url, { credentials });
    const silent = { message: expect.stringContaining("s3://jobs: its server does not answer") };
    await expect(blobs.put(`${RUN}/a.x`, Buffer.from("1"))).rejects.toMatchObject({
      code: "blob-unwritable",
      ...silent,
    });
    await expect(blobs.get(`${RUN}/a.x`)).rejects.toMatchObject({ code: "blob-unreachable", ...silent });
  });

  it("needs keys", async () => {
    await expect(openS3Blobs(urlOf(), { credentials: undefined })).rejects.toMatchObject({
      code: "flag-invalid",
      message: expect.stringContaining("AWS_ACCESS_KEY_ID"),
    });
  });

  it("needs the package that signs requests", async () => {
    const load = () => import(["no", "such", "package"].join("-"));
    await expect(openS3Blobs(urlOf(), { credentials, load })).rejects.toMatchObject({
      code: "flag-invalid",
      message: "blobs in a bucket need the package aws4fetch; run npm install aws4fetch",
    });
  });

  it.each([
    ...[
      "s3:",
      "s3://J",
      "s3://jobs?region=EU West",
      "s3://jobs?speed=1",
      "s3://jobs/a b",
      "s3://jobs/../x y",
    ],
    ...[
      "s3://key:secret@jobs",
      "s3://jobs?endpoint=ftp://a",
      "s3://jobs?endpoint=http://a:b@c",
      "http://jobs",
    ],
  ])("is refused by the URL %j, without a secret being told", async (url) => {
    const refused = openS3Blobs(url, { credentials });
    await expect(refused).rejects.toMatchObject({
      code: "flag-invalid",
      message: expect.not.stringContaining("secret@"),
    });
  });
});
