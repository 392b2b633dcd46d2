import type { Store } from "@jobbers/core";
import { MEMORY, openConnection, placeOf } from "./connection.js";
import { type OpenDatabase, openPhotostructure } from "./driver.js";
import { createStore } from "./store.js";

export { diagnoseSqlite } from "./diagnose.js";
export type { Database, OpenDatabase, SqlValue, Statement } from "./driver.js";

/** How a SQLite store is opened. */
export interface SqliteStoreOptions {
  /** Milliseconds since 1970; default: the system's clock. A renewal thread always goes by the system's. */
  readonly clock?: (() => number) | undefined;
  /** How many events the feed keeps; default 100,000. */
  readonly eventsKept?: number | undefined;
  /** Lets sessions of `memory:` expire too, for tests; else they live as long as the process. */
  readonly expireMemorySessions?: boolean | undefined;
  /** Opens the database with another build of SQLite that has the shape of `node:sqlite`. */
  readonly openDatabase?: OpenDatabase | undefined;
}

const EVENTS_KEPT = 100_000;

/**
 * Opens the embedded store: `sqlite:PATH` in a file, which any number of processes may share, or `memory:`.
 *
 * The file and its directory are made where they are missing.
 *
 * @throws JobbersError `store-url-invalid`; `store-not-a-database` for a file that is none or not Jobbers'; `store-too-old` or `store-too-new` for
 * one that a newer version wrote; `store-busy` when others hold the file locked. A refused file is not touched.
 * @example
 * const store = await openSqliteStore("sqlite:./jobs.db");
 */
export async function openSqliteStore(url: string, options: SqliteStoreOptions = {}): Promise<Store> {
  const { clock = Date.now, eventsKept = EVENTS_KEPT, openDatabase = openPhotostructure } = options;
  const place = placeOf(url);
  const sql = await openConnection(place, openDatabase);
  const sessionsExpire = place.path !== MEMORY || options.expireMemorySessions === true;
  return createStore({ sql, place, clock, eventsKept: Math.max(1, eventsKept), sessionsExpire });
}
