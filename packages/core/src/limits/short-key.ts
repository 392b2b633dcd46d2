import { sha256Hex } from "../values/hash.js";

/** The longest key that is kept as it is, in characters. */
const KEY_CHARS = 100;

/** Keys stand in names of the store's, so of a long one only the beginning does, and its hash. */
export function shortKey(key: string): string {
  if (key.length <= KEY_CHARS && /^[\x20-\x7e]*$/.test(key)) return key;
  if (key.length <= KEY_CHARS / 3) return key;
  return `${[...key].slice(0, 16).join("")}~${sha256Hex(key).slice(0, 32)}`;
}
