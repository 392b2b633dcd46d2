import { type ErrorCode, JobbersError } from "../errors/errors.js";
import { quoted } from "./quoted.js";

/** A size: a number of bytes, or text like "64KiB", "16MiB". */
export type Size = number | `${number}${"B" | "KiB" | "MiB"}`;

const unitBytes = { B: 1, KiB: 1024, MiB: 1024 * 1024 } as const;

/** The largest size that is taken: what one value may ever have, in bytes. */
export const MAX_SIZE_BYTES = 256 * unitBytes.MiB;

/** The largest value by default, in bytes of JSON: an output, an input, or the list that a map's results make together. */
export const MAX_VALUE_BYTES = 16 * unitBytes.MiB;

/**
 * Turns a size into whole bytes.
 *
 * @param what names the field in messages
 * @throws JobbersError `flag-invalid`, or the code given, when it is no size, less than 1 byte, or more than 256 MiB
 * @example
 * sizeBytes("64KiB", "blobsFrom"); // 65536
 */
export function sizeBytes(value: number | string, what: string, code: ErrorCode = "flag-invalid"): number {
  const match = typeof value === "string" ? /^(\d{1,12}(?:\.\d{1,6})?)(B|KiB|MiB)$/.exec(value) : undefined;
  const bytes = match ? Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes] : value;
  if (typeof bytes === "number" && bytes >= 1 && bytes <= MAX_SIZE_BYTES) return Math.round(bytes);
  const form = 'a number of bytes, or text like "64KiB", "16MiB", up to 256MiB';
  throw new JobbersError(code, `${what} is ${quoted(value)}; a size is ${form}`);
}

/** A number of bytes as people read it: `900 B`, `64 KiB`, `21.3 MiB`. */
export function showBytes(bytes: number): string {
  if (bytes < unitBytes.KiB) return `${bytes} B`;
  const unit = bytes < unitBytes.MiB ? "KiB" : "MiB";
  const many = bytes / unitBytes[unit];
  return `${Number.isInteger(many) ? many : many.toFixed(1)} ${unit}`;
}
