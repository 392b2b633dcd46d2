/** A piece of HTML that is safe to put into a page: everything that came from outside is escaped in it. */
export interface Markup {
  readonly markup: string;
}

type Part = Markup | string | number | false | null | undefined | readonly Part[];

/** Builds {@link Markup}; values are escaped unless they are markup themselves, lists are joined, false and null vanish. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const markup = strings.reduce((text, string, i) => text + render(parts[i - 1]) + string);
  return { markup };
}

/** Text of our own, such as a style sheet, that goes into the page as it stands. */
export function verbatim(markup: string): Markup {
  return { markup };
}

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (typeof part === "number") return String(part);
  if (typeof part === "string") return escaped(part);
  return isList(part) ? part.map(render).join("") : part.markup;
}

function isList(part: Markup | readonly Part[]): part is readonly Part[] {
  return Array.isArray(part);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
