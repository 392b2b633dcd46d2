import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Diagnosis, type Finding, JobbersError } from "@jobbers/core";
import { MEMORY, openConnection, type Place, placeOf } from "./connection.js";
import { databaseFindings, settingFinding } from "./diagnose-database.js";
import { diskFindings } from "./diagnose-disk.js";
import { openPhotostructure, type Sql } from "./driver.js";

/**
 * Looks at the file of a store, whether or not a store would open on it. Makes none where there is none.
 *
 * @throws JobbersError `store-url-invalid`
 * @example
 * const { findings } = await diagnoseSqlite("sqlite:./jobs.db");
 */
export async function diagnoseSqlite(url: string): Promise<Diagnosis> {
  const place = placeOf(url);
  const size =
    place.path === MEMORY ? undefined : (statSync(place.path, { throwIfNoEntry: false })?.size ?? 0);
  if (size === 0) {
    const near = nearestDirectory(place.path);
    const sentence = "the first command that needs the store makes it";
    return {
      store: place.url,
      findings: [{ name: "file", level: "ok", value: "none yet", sentence }, ...diskFindings(near, "")],
    };
  }
  let sql: Sql;
  try {
    sql = await openConnection(place, openPhotostructure);
  } catch (error) {
    if (!(error instanceof JobbersError)) throw error;
    return {
      store: place.url,
      findings: [{ name: "file", level: "fail", value: error.code, sentence: error.message }],
    };
  }
  try {
    return diagnose(sql, place);
  } finally {
    sql.database.close();
  }
}

function nearestDirectory(path: string): string {
  const directory = dirname(path);
  return existsSync(directory) || directory === path ? directory : nearestDirectory(directory);
}

/** The same over a connection that is open. */
export function diagnose(sql: Sql, { url, path }: Place): Diagnosis {
  const pragma = (text: string) => String(sql.tuple(`PRAGMA ${text}`)?.[0]);
  const inFile: Finding[] =
    path === MEMORY
      ? [{ name: "file", level: "ok", value: "none", sentence: "all is gone when this process ends" }]
      : [
          settingFinding(
            "journal",
            pragma("journal_mode"),
            "wal",
            "readers and one writer do not wait for each other",
          ),
          settingFinding(
            "synchronous",
            ["off", "normal", "full", "extra"][Number(pragma("synchronous"))] ?? "?",
            "full",
            "a power cut loses 0 seconds: nothing that was acknowledged",
          ),
          ...diskFindings(dirname(path), path),
        ];
  return { store: url, findings: [...inFile, ...databaseFindings(sql)] };
}
