import { JobbersError } from "@jobbers/core";

/** Who reads and writes. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A bucket and what all names in it begin with, as a URL names them. */
export interface Place {
  /** As it may be shown. */
  readonly url: string;
  readonly region: string;
  /** What the bucket is called by, without a slash at its end. */
  readonly base: string;
  /** "", or a path with a slash at its end. */
  readonly prefix: string;
}

const FORM = "s3://BUCKET/PREFIX?region=REGION, with &endpoint=https://HOST for servers other than Amazon's";

/**
 * Reads a URL. A server of one's own is called by path (`https://HOST/BUCKET/…`), Amazon's by host name.
 *
 * @throws JobbersError `flag-invalid`
 */
export function placeOf(url: string, usualRegion = "us-east-1"): Place {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  // What has an @ in it may have a secret there, so it is not shown.
  if (parsed?.protocol !== "s3:" || parsed.username !== "" || parsed.password !== "" || parsed.hash !== "")
    throw invalid("is no URL of a bucket; keys are given by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  const bucket = parsed.host;
  const prefix = parsed.pathname.replace(/^\/+|\/+$/g, "");
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw invalid(`names no bucket ("${bucket}")`);
  if (!/^[A-Za-z0-9._/-]*$/.test(prefix) || prefix.split("/").some((each) => each === "." || each === ".."))
    throw invalid("has a prefix with other characters than A-Z a-z 0-9 . _ - and /");
  const unknown = [...parsed.searchParams.keys()].find((key) => key !== "endpoint" && key !== "region");
  if (unknown !== undefined) throw invalid(`has a setting that there is not ("${unknown}")`);
  const region = parsed.searchParams.get("region") ?? usualRegion;
  if (!/^[a-z0-9-]{1,40}$/.test(region))
    throw invalid(`has no region of the form eu-central-1 ("${region}")`);
  const endpoint = parsed.searchParams.get("endpoint");
  return {
    url: `s3://${bucket}${prefix && `/${prefix}`}`,
    region,
    base:
      endpoint === null
        ? `https://${bucket}.s3.${region}.amazonaws.com`
        : `${endpointOf(endpoint)}/${bucket}`,
    prefix: prefix && `${prefix}/`,
  };
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if ((url?.protocol === "https:" || url?.protocol === "http:") && url.username === "" && url.search === "")
    return url.href.replace(/\/+$/, "");
  throw invalid("has an endpoint that is no https://HOST or http://HOST:PORT");
}

function invalid(what: string): JobbersError {
  return new JobbersError("flag-invalid", `blobs ${what}; it takes ${FORM}`);
}
