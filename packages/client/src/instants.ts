/** A record of the API with its instants as numbers: `startedAt`, ISO 8601 text, is `startedAtMs`, milliseconds since 1970. */
export type InMs<T> = {
  readonly [K in keyof T as K extends Instant ? `${K}Ms` : K]: K extends Instant
    ? undefined extends T[K]
      ? number | undefined
      : number
    : T[K];
};

type Instant = "at" | `${string}At`;

/** Turns the instants of a record into numbers; what is nested in it stays as it is. */
export function inMs<T extends object>(record: T): InMs<T> {
  const entries = Object.entries(record).map(([name, value]) =>
    /^at$|At$/.test(name) && typeof value === "string" ? [`${name}Ms`, Date.parse(value)] : [name, value],
  );
  return Object.fromEntries(entries) as InMs<T>;
}
