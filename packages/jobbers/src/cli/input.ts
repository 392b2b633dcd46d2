import { readFileSync } from "node:fs";
import { type JsonValue, parseJson } from "@jobbers/core";
import { flagError } from "./flags.js";

/** The flag that carries a run's input. */
export const inputFlag = {
  type: "string",
  valueHint: "JSON",
  description: "The run's input as JSON text, or @PATH to read it from a file (default: {})",
} as const;

/**
 * Reads the value of `--input`.
 *
 * @throws JobbersError `not-json`, or `flag-invalid` when the file cannot be read
 */
export function readInput(value: string | undefined): JsonValue {
  if (value === undefined) return {};
  return parseJson(value.startsWith("@") ? readText(value.slice(1)) : value, "--input");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw flagError(`--input names the file ${path}, which cannot be read: ${(cause as Error).message}`);
  }
}
