import { RUN_ADDRESS, type StepAddress, valueKey } from "@jobbers/core";
import type { Sql } from "./driver.js";
import type { Run, Step } from "./records.js";
import type { Unit } from "./unit.js";

/** Texts up to so many characters stand in the record that they belong to; larger ones would make its every change slow. */
const INLINE_CHARS = 1024;

/** True when a value is small enough for its record. */
export function isInline(text: string): boolean {
  return text.length <= INLINE_CHARS;
}

/** Keeps a value under a key of its own; repeating changes nothing. */
export function putValue(sql: Sql, run: number, key: string, text: string): void {
  sql.run(
    "INSERT INTO vals (run, key, text) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET text = excluded.text",
    run,
    key,
    text,
  );
}

/** Puts a run's parsed input in the place of the raw one: in its record, or beside it. */
export function replaceInput({ sql }: Unit, run: Run, text: string): void {
  const key = valueKey.input(RUN_ADDRESS);
  run.input = isInline(text) ? text : null;
  sql.run("UPDATE runs SET input = ? WHERE seq = ?", run.input, run.seq);
  if (run.input === null) putValue(sql, run.seq, key, text);
  else sql.run("DELETE FROM vals WHERE run = ? AND key = ?", run.seq, key);
}

/** Forgets a value that has a key of its own. */
export function dropValue(sql: Sql, run: number, key: string): void {
  sql.run("DELETE FROM vals WHERE run = ? AND key = ?", run, key);
}

/** Forgets some of them. */
export function dropValues(sql: Sql, run: number, keys: readonly string[]): void {
  sql.run(
    "DELETE FROM vals WHERE run = ? AND key IN (SELECT value FROM json_each(?))",
    run,
    JSON.stringify(keys),
  );
}

/** Keeps a step's output: in its record, or beside it. */
export function putOutput({ sql }: Unit, step: Step, output: string): void {
  if (isInline(output)) step.output = output;
  else putValue(sql, step.run.seq, step.address, output);
  step.dirty = true;
}

/** The key of a step's last error; keys of the port never end so. */
export function errorKey(address: StepAddress): string {
  return `${address}:error`;
}

/** What a value is read from: the run's record, and the steps that are in memory. */
export type ValueHome = Pick<Run, "seq" | "input"> & Partial<Pick<Run, "steps">>;

/** The JSON text under a key, `null` where there is none. */
export function getValue(sql: Sql, run: ValueHome, key: string): string | null {
  if (key === ":input" && run.input !== null) return run.input;
  if (!key.includes(":")) {
    const step = run.steps?.get(key);
    const output = step ? step.output : outputOf(sql, run.seq, key);
    if (output === undefined) return null;
    if (output !== null) return output;
  }
  const row = sql.tuple("SELECT text FROM vals WHERE run = ? AND key = ?", run.seq, key);
  return row ? (row[0] as string) : null;
}

function outputOf(sql: Sql, run: number, address: StepAddress): string | null | undefined {
  const row = sql.tuple("SELECT output FROM steps WHERE run = ? AND address = ?", run, address);
  return row && (row[0] as string | null);
}
