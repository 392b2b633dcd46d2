import type { Path } from "../plan/plan.js";
import { CLOSE_LIST, CLOSE_OBJECT, endOfString, OPEN_LIST, OPEN_OBJECT, QUOTE } from "./json-text.js";

const COMMA = 44;

/** So many keys of one object are compared one by one, which is quicker for most objects; more go into a set. */
const FEW = 8;

/** An object or a list in which the scan is. */
interface Open {
  /** The keys that were met; a list has none. */
  readonly keys: string[] | undefined;
  many: Set<string> | undefined;
  /** The key or the index at which the scan is. */
  at: string | number;
}

/** A key that one object has twice: where that object is, and the character at which the key comes again. */
export interface RepeatedKey {
  readonly path: Path;
  readonly key: string;
  readonly character: number;
}

/** The first key of JSON text that an object has already; `"a"` and `"\u0061"` are one key. One pass; the text must be JSON. */
export function findRepeatedKey(text: string): RepeatedKey | undefined {
  const around: Open[] = [];
  let open: Open | undefined;
  let isKeyNext = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = endOfString(text, i);
      if (isKeyNext && open) {
        const key = keyOf(text, i, end);
        if (!addKey(open, key)) return { path: around.map(({ at }) => at), key, character: i + 1 };
        open.at = key;
        isKeyNext = false;
      }
      i = end;
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (open) around.push(open);
      isKeyNext = code === OPEN_OBJECT;
      open = isKeyNext ? { keys: [], many: undefined, at: "" } : { keys: undefined, many: undefined, at: 0 };
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      open = around.pop();
      isKeyNext = false;
    } else if (code === COMMA && open) {
      if (typeof open.at === "number") open.at++;
      else isKeyNext = true;
    }
  }
  return undefined;
}

function keyOf(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes("\\") ? (JSON.parse(text.slice(start, end + 1)) as string) : raw;
}

/** False where the object has the key already. */
function addKey(open: Open, key: string): boolean {
  const keys = open.keys as string[];
  if (open.many ? open.many.has(key) : keys.includes(key)) return false;
  if (!open.many && keys.length === FEW) open.many = new Set(keys);
  if (open.many) open.many.add(key);
  else keys.push(key);
  return true;
}
