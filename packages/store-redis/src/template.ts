import { ESC, FS } from "./text.js";

/** Under which address a plan's specs have the template that a record follows; none where the step has a spec of its own. */
export function templateIn(record: string | null | undefined): string | undefined {
  const at = record?.lastIndexOf(FS) ?? -1;
  return at === -1 ? undefined : `[${(record as string).slice(at + 1)}]`;
}

/** What a record says of its step alone. */
export function withoutTemplate(record: string): string {
  const at = record.lastIndexOf(FS);
  return at === -1 ? record : record.slice(0, at);
}

/** The spec of a step that has none of its own, among those that the runs of its plan share. */
export function specOf(
  shared: ReadonlyMap<string, string>,
  address: string,
  record: string | null | undefined,
): string | undefined {
  const template = templateIn(record);
  return template === undefined ? shared.get(address) : at(shared.get(template), address);
}

/** A template at an address: it has ESC and a number where one of the address's indices belongs. */
function at(template: string | undefined, address: string): string | undefined {
  const indices = [...address.matchAll(/\[(\d+)\]/g)].map(([, index = ""]) => index);
  const [first, ...rest] = template?.split(ESC) ?? [];
  if (first === undefined) return undefined;
  return first + rest.map((part) => (indices[Number(part[0]) - 1] ?? "") + part.slice(1)).join("");
}
