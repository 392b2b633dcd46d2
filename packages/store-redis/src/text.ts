import { createHash } from "node:crypto";
import { JobbersError } from "@jobbers/core";

/** What separates packed fields, parts and list elements; no text that goes in between may contain them. */
export const US = "\u001f";
export const RS = "\u001e";
export const GS = "\u001d";
export const FS = "\u001c";
export const ESC = "\u001b";

/** The longest user text, percent-encoded, that may stand in a key. */
const KEY_TEXT_LIMIT = 512;

/** How many characters one of a text may become. */
const LONGEST_ENCODED = 9;

const plain = /^[A-Za-z0-9._-]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the packing uses
const unsafe = /[\u0000-\u001f%,]/;

/** How many characters the name of a kind has. */
export const KIND_CHARS = 8;

/** The longest value that stands in a packed run. */
const PACKED_CHARS = 1_024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the packing uses
const separators = /[\u001b-\u001f]/;

/** True for a value that may stand in a packed run. JSON holds none of the characters that separate, unless somebody made it up. */
export function isPackable(value: string): boolean {
  return value.length <= PACKED_CHARS && !separators.test(value);
}

/** Percent-encodes a text for use inside a packed record. */
export function packText(text: string): string {
  if (!unsafe.test(text)) return text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  return text.replace(/[\u0000-\u001f%,]/g, hex);
}

/** Reads what {@link packText} or {@link keyText} wrote. */
export function unpackText(text: string): string {
  return text.includes("%") ? decodeURIComponent(text) : text;
}

/**
 * Percent-encodes a user's text for use in a key, so that no name can reach another key or look like a pattern.
 *
 * @throws JobbersError `name-invalid` when it is too long
 */
export function keyText(text: string): string {
  if (text.length <= KEY_TEXT_LIMIT && plain.test(text)) return text;
  const encoded =
    text.length > KEY_TEXT_LIMIT ? text : encodeURIComponent(wellFormed(text)).replace(/[!'()*~]/g, hex);
  if (encoded.length <= KEY_TEXT_LIMIT) return encoded;
  const shown = `${text.slice(0, 40)}…`;
  throw new JobbersError("name-invalid", `the name ${JSON.stringify(shown)} is too long for a key of Redis`);
}

/** The same for a text of any length: of one that is too long, its SHA-256 stands in the key. */
export function longKeyText(text: string): string {
  const isShort = text.length <= KEY_TEXT_LIMIT / LONGEST_ENCODED;
  return isShort ? keyText(text) : `~${createHash("sha256").update(text).digest("hex")}`;
}

/** A hash as it stands in keys and records: its bytes in base64 take a third less room than in hexadecimal. */
export function packHash(hash: string): string {
  return /^[0-9a-f]{32}$/.test(hash) ? `~${Buffer.from(hash, "hex").toString("base64url")}` : keyText(hash);
}

/** Reads what {@link packHash} wrote. */
export function unpackHash(text: string): string {
  return text.startsWith("~") ? Buffer.from(text.slice(1), "base64url").toString("hex") : unpackText(text);
}

function hex(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Lone surrogates have no UTF-8; they are all the same to Redis. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
