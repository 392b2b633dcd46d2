import type { Finding } from "@jobbers/core";
import type { Sql } from "./driver.js";
import { SCHEMA_VERSION } from "./schema.js";

/** What the database itself says. */
export function databaseFindings(sql: Sql): Finding[] {
  const looks = [
    ["version", versionFinding],
    ["schema", schemaFinding],
    ["integrity", integrityFinding],
    ["clock", clockFinding],
    ["sessions", sessionsFinding],
  ] as const;
  return looks.map(([name, look]) => {
    try {
      return look(sql);
    } catch (error) {
      // A damaged file may refuse any look at it; that is what is to be told.
      const sentence = `it cannot be read (SQLite: ${(error as Error).message}); stop all processes, and recover a copy of the file with sqlite3's .recover`;
      return { name, level: "fail", value: "unreadable", sentence };
    }
  });
}

/** The first that has what `RETURNING` and the JSON operators need. */
const OLDEST = [3, 38] as const;

function versionFinding({ tuple }: Sql): Finding {
  const value = String(tuple("SELECT sqlite_version()")?.[0]);
  const [major = 0, minor = 0] = value.split(".").map(Number);
  const isNew = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  const sentence = isNew ? "new enough" : `Jobbers needs ${OLDEST.join(".")} or newer; give another build`;
  return { name: "version", level: isNew ? "ok" : "fail", value, sentence };
}

/** A setting that has to be as we set it. */
export function settingFinding(name: string, value: string, wanted: string, meaning: string): Finding {
  const isRight = value === wanted;
  const sentence = isRight
    ? meaning
    : `it should be ${wanted}; a file system without locks or shared memory, as a network's, cannot have that: move the file to a local disk`;
  return { name, level: isRight ? "ok" : "fail", value, sentence };
}

function schemaFinding({ tuple }: Sql): Finding {
  const found = Number(tuple("SELECT value FROM jobbers WHERE key = 'schema'")?.[0]);
  const isServed = found === SCHEMA_VERSION;
  const sentence = isServed
    ? "this version serves it"
    : found > SCHEMA_VERSION
      ? `this Jobbers knows up to ${SCHEMA_VERSION}; upgrade this process`
      : `this Jobbers reads and writes ${SCHEMA_VERSION}; begin with a new file`;
  return { name: "schema", level: isServed ? "ok" : "fail", value: String(found), sentence };
}

/** The largest database that is read whole, to see that it hangs together. */
const QUICK_BYTES = 1024 ** 3;

function integrityFinding({ tuple, tuples }: Sql): Finding {
  const name = "integrity";
  const size = Number(tuple("PRAGMA page_count")?.[0]) * Number(tuple("PRAGMA page_size")?.[0]);
  if (size > QUICK_BYTES) {
    const sentence =
      "reading it whole would take long; run PRAGMA quick_check on a copy when you have the time";
    return { name, level: "ok", value: "not looked at", sentence };
  }
  const found = tuples("PRAGMA quick_check(5)").map(([text]) => String(text));
  if (found[0] === "ok") return { name, level: "ok", value: "ok", sentence: "the file hangs together" };
  const sentence = `the file is damaged (${found[0]}); stop all processes, and recover a copy of it with sqlite3's .recover`;
  return { name, level: "fail", value: `${found.length} faults`, sentence };
}

/** How far a store's time may be ahead before delays feel it. */
const AHEAD_MS = 2_000;

function clockFinding({ tuple }: Sql): Finding {
  const ahead = Number(tuple("SELECT ms FROM clock WHERE id = 1")?.[0]) - Date.now();
  const isAhead = ahead > AHEAD_MS;
  const sentence = isAhead
    ? "the store's time never goes back, so that it stands still until this clock has caught up; delays and leases wait for it"
    : "the store's time is not ahead of this process";
  return {
    name: "clock",
    level: isAhead ? "warn" : "ok",
    value: isAhead ? `${ahead} ms ahead` : "in step",
    sentence,
  };
}

function sessionsFinding({ tuple }: Sql): Finding {
  const [open, late] = (tuple(
    "SELECT count(*), coalesce(sum(expires < ?), 0) FROM sessions WHERE state = 'open'",
    Date.now(),
  ) ?? [0, 0]) as [number, number];
  const sentence =
    late > 0
      ? "sessions that are not renewed are swept by the next worker; start one if none runs"
      : "sessions of this and other processes are renewed in time";
  return {
    name: "sessions",
    level: late > 0 ? "warn" : "ok",
    value: `${open} open, ${late} expired`,
    sentence,
  };
}
