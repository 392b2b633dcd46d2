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
