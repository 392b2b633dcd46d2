import { stripVTControlCharacters } from "node:util";

/** All control characters but tabs and line breaks, and those that turn the direction of writing round. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const harmful = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text that may have come from anybody, such as a message that a handler threw, as it may be written to a terminal: without
 * escape sequences, and with a mark in place of every other character that a terminal would obey.
 */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\r\n", "\n").replace(harmful, "\ufffd");
}

/** The same in one line. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s*\n\s*|\t/g, " ");
}

/** A value as JSON text that has no control character in it, and says the same. */
export function jsonText(value: unknown, indent?: number): string {
  const escaped = (found: string) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // JSON itself escapes only those below the blank; line breaks that it indents with stay.
  return JSON.stringify(value, null, indent).replace(harmful, escaped);
}
