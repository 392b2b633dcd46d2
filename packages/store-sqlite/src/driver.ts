import { DatabaseSync } from "@photostructure/sqlite";

/**
 * The little that the store needs from SQLite, in the shape of `node:sqlite`, which may take the place of the package below
 * where Node.js has it.
 */

/** What SQLite keeps in a column. */
export type SqlValue = string | number | null;

/** A prepared statement. */
export interface Statement {
  run(...parameters: SqlValue[]): { readonly changes: number | bigint };
  get(...parameters: SqlValue[]): unknown;
  all(...parameters: SqlValue[]): unknown[];
  setReturnArrays?(enabled: boolean): void;
}

/** An open database. */
export interface Database {
  readonly isOpen: boolean;
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** Opens a database file, or `:memory:`. */
export type OpenDatabase = (path: string) => Database;

/** Opens databases with the SQLite that is built into `@photostructure/sqlite`. */
export const openPhotostructure: OpenDatabase = (path) => new DatabaseSync(path) as Database;

/** A row read by position, which costs half of one read by name. */
export type Tuple = SqlValue[];

/** A database whose statements are prepared once, by their text. */
export interface Sql {
  readonly database: Database;
  run(text: string, ...parameters: SqlValue[]): number;
  get<Row>(text: string, ...parameters: SqlValue[]): Row | undefined;
  all<Row>(text: string, ...parameters: SqlValue[]): Row[];
  tuple(text: string, ...parameters: SqlValue[]): Tuple | undefined;
  tuples(text: string, ...parameters: SqlValue[]): Tuple[];
}

export function createSql(database: Database): Sql {
  const named = preparedOnce((text) => database.prepare(text));
  const positional = preparedOnce((text) => {
    const statement = database.prepare(text);
    statement.setReturnArrays?.(true);
    return statement;
  });
  const toTuple = (row: unknown) => (Array.isArray(row) ? row : Object.values(row as object)) as Tuple;
  return {
    database,
    run: (text, ...parameters) => Number(named(text).run(...parameters).changes),
    get: <Row>(text: string, ...parameters: SqlValue[]) => named(text).get(...parameters) as Row | undefined,
    all: <Row>(text: string, ...parameters: SqlValue[]) => named(text).all(...parameters) as Row[],
    tuple: (text, ...parameters) => {
      const row = positional(text).get(...parameters);
      return row === undefined ? undefined : toTuple(row);
    },
    tuples: (text, ...parameters) =>
      positional(text)
        .all(...parameters)
        .map(toTuple),
  };
}

function preparedOnce(prepare: (text: string) => Statement): (text: string) => Statement {
  const prepared = new Map<string, Statement>();
  return (text) => {
    const known = prepared.get(text);
    if (known) return known;
    const statement = prepare(text);
    prepared.set(text, statement);
    return statement;
  };
}
