import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { JobbersError } from "@jobbers/core";
import { createSql, type OpenDatabase, type Sql } from "./driver.js";
import { faultOf, isBusy, isNoDatabase } from "./faults.js";
import { APPLICATION_ID, checkSchema, createSchema, foreign } from "./schema.js";

/** Where a store is. */
export interface Place {
  readonly url: string;
  /** A file, or `:memory:`. */
  readonly path: string;
}

export const MEMORY = ":memory:";

/** How long opening waits for another process that is making the same file. */
const OPEN_MS = 10_000;

/**
 * Reads a store URL: `sqlite:PATH` or `memory:`.
 *
 * @throws JobbersError `store-url-invalid`
 */
export function placeOf(url: string): Place {
  if (url === "memory:") return { url, path: MEMORY };
  const path = /^sqlite:(?:\/\/(?=[/.]))?(.+)$/s.exec(url)?.[1];
  if (path && path !== MEMORY && !path.includes("\0")) return { url, path: resolve(path) };
  throw new JobbersError(
    "store-url-invalid",
    `"${url}" is no URL of a SQLite store; write sqlite:PATH or memory:`,
  );
}

/** Opens a connection to a store, making file, directory and tables where they are missing. */
export async function openConnection({ url, path }: Place, openDatabase: OpenDatabase): Promise<Sql> {
  if (path !== MEMORY) prepareFile(path, url, openDatabase);
  const deadline = performance.now() + OPEN_MS;
  for (;;) {
    try {
      return connect({ url, path }, openDatabase);
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) {
        throw isNoDatabase(error)
          ? foreign(url, "it is damaged, or no database at all")
          : faultOf(error, url);
      }
      await sleep(10 + Math.random() * 20);
    }
  }
}

function connect({ url, path }: Place, openDatabase: OpenDatabase): Sql {
  const database = openDatabase(path);
  try {
    database.exec("PRAGMA busy_timeout = 1000; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY");
    const sql = createSql(database);
    if (checkSchema(sql, url) === "empty") {
      database.exec("BEGIN IMMEDIATE");
      createSchema(sql, url);
      database.exec("COMMIT");
    }
    // Only now, when the file is known to be ours. The mark in its header is in the file itself, never only in the log.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000");
    // The lock is waited for between turns of the event loop, not within one: see group.ts.
    database.exec(
      "PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 67108864; PRAGMA busy_timeout = 20",
    );
    return sql;
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}

/** Makes the directory, and refuses what can be seen to be foreign without letting SQLite touch it. */
function prepareFile(path: string, url: string, openDatabase: OpenDatabase): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return;
    if (!statSync(path).isFile()) throw foreign(url, "it is no file");
    refuseStranger(path, url, openDatabase);
  } catch (error) {
    if (error instanceof JobbersError) throw error;
    const { message } = error as Error;
    throw new JobbersError("store-not-a-database", `${url} cannot be used: ${message}`, { cause: error });
  }
}

/**
 * Looks at a file through SQLite, read-only and without its log, so that nothing of it changes.
 *
 * Never through node:fs: when a process closes a file, it gives up all its locks on that file, those of its other connections
 * too, and the next process to close the database takes itself for the last and removes the log under them
 * (https://sqlite.org/howtocorrupt.html, section 2.2).
 */
function refuseStranger(path: string, url: string, openDatabase: OpenDatabase): void {
  const uri = pathToFileURL(path);
  uri.search = "?mode=ro&immutable=1";
  const database = openDatabase(uri.href);
  try {
    const { application_id } = database.prepare("PRAGMA application_id").get() as { application_id: number };
    if (application_id === APPLICATION_ID) return;
    const stranger = database.prepare("SELECT name FROM sqlite_schema LIMIT 1").get() as
      | { name: string }
      | undefined;
    if (stranger) throw foreign(url, `it has a table "${stranger.name}"`);
    // Ours is marked before it has a log.
    if (application_id !== 0 || existsSync(`${path}-wal`))
      throw foreign(url, "it belongs to another program");
  } catch (error) {
    if (isNoDatabase(error)) throw foreign(url, "it is no SQLite database at all");
    throw error;
  } finally {
    database.close();
  }
}
