import { hash } from "node:crypto";

/**
 * The SHA-256 of bytes, or of a text's UTF-8 bytes, as 64 lower-case hexadecimal digits.
 *
 * @example
 * sha256Hex(""); // "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
 */
export function sha256Hex(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}

/**
 * What tells one content from another: 96 bits of its SHA-256, as 16 characters of base64url.
 *
 * @example
 * fingerprintOf("") === fingerprintOf(" "); // false
 */
export function fingerprintOf(content: string): string {
  return hash("sha256", content, "base64url").slice(0, 16);
}
