import type { z } from "@hono/zod-openapi";

/** What is wrong with a parameter, in the words of these pages: the schema library's own are meant for who wrote the schema. */
export function issueWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "it is missing" : `it takes ${withArticle(issue.expected)}`;
    case "invalid_value":
      return `it takes ${inWords(issue.values.map(String))}`;
    case "too_small":
      return issue.origin === "string" ? atLeast(Number(issue.minimum)) : `it takes ${issue.minimum} or more`;
    case "too_big":
      return issue.origin === "string"
        ? `it takes at most ${Number(issue.maximum).toLocaleString("en-US")} characters`
        : `it takes ${issue.maximum} or less`;
    case "invalid_format":
      return "it has another form than it takes";
    default:
      return undefined;
  }
}

function atLeast(characters: number): string {
  return characters === 1 ? "it is empty" : `it takes at least ${characters} characters`;
}

function inWords(values: readonly string[]): string {
  return values.length === 1 ? `${values[0]}` : `one of ${values.join(", ")}`;
}

function withArticle(type: string): string {
  return `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
}
