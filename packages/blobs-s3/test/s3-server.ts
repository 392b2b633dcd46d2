import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export const credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const BUCKET = "jobs";
/** Lists are cut after so many, so that more than one page is needed. */
const LIST_PAGE = 10;

/** A small server that speaks like S3 as far as blobs go, and checks each signature by itself. */
export interface S3Server {
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  /** What the next requests are answered with, instead of what they ask for. */
  readonly troubles: { readonly status: number; readonly body: string }[];
  readonly asked: string[];
  stop(): Promise<void>;
}

export async function startS3Server(region = "eu-central-1"): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const troubles: { status: number; body: string }[] = [];
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const answer = (status: number, content: string | Buffer = "") => response.writeHead(status).end(content);
    asked.push(`${request.method} ${request.url}`);
    const trouble = troubles.shift();
    if (trouble) return answer(trouble.status, trouble.body);
    const fault = signatureFault(request, body, region);
    if (fault)
      return answer(403, `<Error><Code>SignatureDoesNotMatch</Code><Message>${fault}</Message></Error>`);
    const url = new URL(request.url as string, "http://s3");
    const [, bucket, ...rest] = url.pathname.split("/");
    if (bucket !== BUCKET) return answer(404, "<Error><Code>NoSuchBucket</Code></Error>");
    const key = decodeURIComponent(rest.join("/"));
    if (url.searchParams.get("list-type") === "2")
      return answer(200, listOf(objects, url.searchParams.get("prefix") ?? ""));
    switch (request.method) {
      case "PUT":
        objects.set(key, body);
        return answer(200);
      case "GET": {
        const found = objects.get(key);
        return found ? answer(200, found) : answer(404, "<Error><Code>NoSuchKey</Code></Error>");
      }
      case "DELETE":
        objects.delete(key);
        return answer(204);
      default:
        return answer(405);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ objects, troubles, asked },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function listOf(objects: ReadonlyMap<string, Buffer>, prefix: string): string {
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  const shown = keys.slice(0, LIST_PAGE).map((key) => `<Contents><Key>${key}</Key></Contents>`);
  return `<ListBucketResult><IsTruncated>${keys.length > LIST_PAGE}</IsTruncated>${shown.join("")}</ListBucketResult>`;
}

const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** Signature Version 4, as Amazon describes it: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function signatureFault(request: IncomingMessage, body: Buffer, region: string): string | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, id, day, of, signed = "", signature] = form.exec(request.headers.authorization ?? "") ?? [];
  const date = request.headers["x-amz-date"] as string;
  const hash = request.headers["x-amz-content-sha256"] as string;
  if (id !== credentials.accessKeyId || of !== region || !date?.startsWith(day as string))
    return "credential";
  if (request.method === "PUT" && hash !== sha256(body)) return "content";
  const names = signed.split(";");
  if (!["host", "x-amz-date", "x-amz-content-sha256"].every((name) => names.includes(name))) return "headers";
  const url = new URL(request.url as string, "http://s3");
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...url.searchParams]
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .sort()
    .join("&");
  const headers = names.map((name) => `${name}:${String(request.headers[name]).trim()}\n`).join("");
  const canonical = [request.method, url.pathname, query, headers, signed, hash].join("\n");
  const scope = `${day}/${of}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const parts = [day as string, region, "s3", "aws4_request"];
  const key = parts.reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${credentials.secretAccessKey}`,
  );
  return hmac(key, text).toString("hex") === signature ? undefined : "signature";
}
