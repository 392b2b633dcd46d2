import { BLOB_FOLDER, BLOB_NAME, type Blobs, type ErrorCode, JobbersError, sha256Hex } from "@jobbers/core";
import type { AwsClient } from "aws4fetch";
import { refusal, silence, wordIn } from "./faults.js";
import { type Credentials, type Place, placeOf } from "./place.js";

/** What `openS3Blobs` takes beside the URL. */
export interface S3Options {
  readonly credentials: Credentials | undefined;
  /** The region where the URL has none. */
  readonly region?: string | undefined;
  /** How long one request may take, in milliseconds; default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Loads the package that signs requests; for tests. */
  readonly load?: (() => Promise<typeof import("aws4fetch")>) | undefined;
}

/** How many objects are deleted at a time. */
const AT_A_TIME = 8;

/**
 * Opens a bucket for blobs. The package `aws4fetch`, which signs requests, has to be installed beside this one.
 *
 * @param url `s3://bucket/prefix?region=eu-central-1`, with `&endpoint=https://HOST` for servers other than Amazon's
 * @throws JobbersError `flag-invalid`
 */
export async function openS3Blobs(
  url: string,
  { credentials, region, timeoutMs = 30_000, load = () => import("aws4fetch") }: S3Options,
): Promise<Blobs> {
  const place = placeOf(url, region);
  if (!credentials) {
    const remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    throw new JobbersError(
      "flag-invalid",
      `blobs names ${place.url}, but there are no keys for it; ${remedy}`,
    );
  }
  const ask = createAsking(place, await clientOf(place, credentials, load), timeoutMs);
  const at = (name: string, form: RegExp) => {
    if (!form.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a blob`);
    return `${place.prefix}${name}`;
  };
  return {
    url: place.url,
    async put(name, bytes) {
      // The server compares, so that nothing is kept that was cut off or altered on the way.
      const headers = { "content-type": "application/json", "x-amz-content-sha256": sha256Hex(bytes) };
      await ask("PUT", at(name, BLOB_NAME), "blob-unwritable", { body: bytes, headers });
    },
    async get(name) {
      return (await ask("GET", at(name, BLOB_NAME), "blob-unreachable"))?.bytes;
    },
    async deleteAll(folder) {
      const prefix = `${at(folder, BLOB_FOLDER)}/`;
      for (let more = true; more; ) {
        const page = await ask(
          "GET",
          `?list-type=2&max-keys=1000&prefix=${encodeURIComponent(prefix)}`,
          "blob-unreachable",
        );
        const { keys, isCut } = readList(Buffer.from(page?.bytes ?? []).toString(), prefix);
        for (let i = 0; i < keys.length; i += AT_A_TIME)
          await Promise.all(
            keys.slice(i, i + AT_A_TIME).map((key) => ask("DELETE", key, "blob-unreachable")),
          );
        more = isCut && keys.length > 0;
      }
    },
    async close() {},
  };
}

async function clientOf(
  { region }: Place,
  credentials: Credentials,
  load: NonNullable<S3Options["load"]>,
): Promise<AwsClient> {
  try {
    const { AwsClient } = await load();
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const token = sessionToken === undefined ? {} : { sessionToken };
    // What is busy (429) or failing (5xx) is asked again some times, 50 ms apart, then 100 ms, and so on.
    return new AwsClient({ accessKeyId, secretAccessKey, ...token, region, service: "s3", retries: 4 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    const message = "blobs in a bucket need the package aws4fetch; run npm install aws4fetch";
    throw new JobbersError("flag-invalid", message, { cause: error });
  }
}

interface Asked {
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers `undefined` where there is no such object. */
function createAsking({ url, base }: Place, client: AwsClient, timeoutMs: number) {
  return async (method: string, key: string, code: ErrorCode, { body, headers = {} }: Asked = {}) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`not within ${timeoutMs} ms`)), timeoutMs);
    let response: Response;
    let bytes: Uint8Array;
    try {
      const request = {
        method,
        headers: { ...headers },
        signal: late.signal,
        ...(body && { body: body as NonNullable<RequestInit["body"]> }),
      };
      response = await client.fetch(`${base}/${key}`, request);
      bytes = new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      throw silence(url, error, code);
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return { bytes };
    const said = Buffer.from(bytes).toString().slice(0, 4_000);
    if (
      response.status === 404 &&
      wordIn(said) !== "NoSuchBucket" &&
      method !== "PUT" &&
      !key.startsWith("?")
    )
      return undefined;
    throw refusal(url, response.status, said, code);
  };
}

/** The keys in a list of objects; names of blobs have no character that XML would write otherwise. */
function readList(xml: string, prefix: string): { keys: string[]; isCut: boolean } {
  const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key as string);
  return {
    keys: keys.filter((key) => key.startsWith(prefix)),
    isCut: /<IsTruncated>\s*true\s*<\/IsTruncated>/.test(xml),
  };
}
