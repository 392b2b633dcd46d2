import { hash } from "node:crypto";
import { RequestRefused } from "./problem.js";

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Makes the run ids of lines that bring none: the same for the same key and line, so that a resend names the same runs. */
export function createLineIds(key: string): (line: number) => string {
  return (line) => {
    const digest = hash("sha256", `${key}\n${line}`, "buffer");
    // 26 digits of 5 bits each; the first holds but 3, as the 128 bits of a ULID want it.
    let id = DIGITS[(digest[31] as number) & 7] as string;
    for (let i = 0; i < 25; i++) id += DIGITS[(digest[i] as number) & 31];
    return id;
  };
}

/**
 * The `Idempotency-Key` of a request, where it has one.
 *
 * @throws RequestRefused `query-invalid`
 */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || /^[\x21-\x7e]{16,128}$/.test(header)) return header;
  throw new RequestRefused("query-invalid", "the Idempotency-Key is not 16 to 128 visible ASCII characters", [
    { pointer: "/Idempotency-Key", detail: "takes 16 to 128 visible ASCII characters" },
  ]);
}
