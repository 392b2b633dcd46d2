import { type Schema, Validator } from "@cfworker/json-schema";
import type { JsonValue } from "@jobbers/core";

/** A part of what was sent that is refused, by its JSON pointer. */
export interface Refused {
  readonly pointer: string;
  readonly detail: string;
}

/** Answers what is wrong with an input, each part by its JSON pointer below `/input`; nothing when all is well. */
export type InputCheck = (input: JsonValue) => readonly Refused[];

const MAX_TOLD = 10;

/** Keywords that only say that something below them is wrong. */
const outer = new Set([
  "properties",
  "patternProperties",
  "additionalProperties",
  "items",
  "prefixItems",
  "$ref",
  "allOf",
  "if",
]);

/**
 * Makes the check of a JSON Schema (draft 2020-12). No code is made of the schema. One that cannot be used checks nothing:
 * workers parse inputs all the same.
 */
export function createInputCheck(schemaText: string): InputCheck {
  const [quick, whole] = validatorsOf(schemaText);
  return (input) => {
    try {
      if (quick === undefined || whole === undefined || quick.validate(input).valid) return [];
      return toldOf(detailsOf(input, quick, whole));
    } catch {
      return [];
    }
  };
}

function validatorsOf(text: string): [Validator, Validator] | [] {
  try {
    const schema = JSON.parse(text, lenient) as Schema;
    return [new Validator(schema, "2020-12", true), new Validator(schema, "2020-12", false)];
  } catch {
    return [];
  }
}

/** Parses a schema, without what would refuse or cost more than the workflow's own schema does. */
function lenient(this: Record<string, unknown>, key: string, value: unknown): unknown {
  // Libraries take whatever `new URL` takes; by the letter of the format, an umlaut in a path is no URI.
  if (key === "format" && value === "uri" && this.pattern === undefined) {
    this.pattern = "^\\s*[A-Za-z][A-Za-z0-9+.-]*:.";
    return undefined;
  }
  // Each with each: a list of 100,000 would stop the process for a minute.
  return key === "uniqueItems" && value === true ? undefined : value;
}

function detailsOf(input: JsonValue, quick: Validator, whole: Validator) {
  try {
    return whole.validate(input).errors;
  } catch (error) {
    // A list of 100,000 wrong elements has more errors than a call takes arguments: then the first one has to do.
    if (error instanceof RangeError) return quick.validate(input).errors;
    throw error;
  }
}

function toldOf(errors: ReturnType<Validator["validate"]>["errors"]): Refused[] {
  const told: Refused[] = [];
  let alternatives: string | undefined;
  for (const { keyword, keywordLocation, instanceLocation, error } of errors) {
    // Of alternatives that all fail, it is told that they do, not how each does.
    if (alternatives !== undefined && keywordLocation.startsWith(alternatives)) continue;
    if (outer.has(keyword)) continue;
    if (keyword === "anyOf" || keyword === "oneOf") alternatives = `${keywordLocation}/`;
    const detail = keyword === "false" ? "is not known there" : sentenceOf(error);
    told.push({ pointer: `/input${decodeURI(instanceLocation.slice(1))}`, detail });
    if (told.length === MAX_TOLD) break;
  }
  return told;
}

/** `Instance type "number" is invalid.` reads `is of a type "number" …` behind a pointer. */
function sentenceOf(error: string): string {
  return error
    .replace(/^Instance type "(\w+)" is invalid\. Expected (.*)\.$/, "is of type $1 instead of $2")
    .replace(/^(?:Instance|String) /, "")
    .replace(/\.$/, "");
}
