import { JobbersError } from "../errors/errors.js";
import type { LimitEdit } from "../store/limits.js";
import { quoted } from "../values/quoted.js";

/**
 * Checks an edit, which may come from anywhere.
 *
 * @throws JobbersError `limit-invalid`, naming the field
 */
export function checkLimitEdit(name: string, edit: LimitEdit): LimitEdit {
  if (edit === "off" || edit === "default") return edit;
  const { rate, perMs, burst, concurrency } = (edit ?? {}) as Record<string, unknown>;
  const refuse = (field: string, value: unknown, form: string) =>
    new JobbersError("limit-invalid", `limit ${quoted(name)}: ${field} is ${quoted(value)}; ${form}`);
  if ((rate === undefined) === (concurrency === undefined))
    throw new JobbersError("limit-invalid", `limit ${quoted(name)}: give a rate, or a concurrency`);
  if (concurrency !== undefined) {
    if (isCount(concurrency)) return { concurrency };
    throw refuse("concurrency", concurrency, "it takes a whole number above 0");
  }
  if (!isAmount(rate)) throw refuse("rate", rate, "it takes a number above 0");
  if (!isAmount(perMs)) throw refuse("per", perMs, "it takes a duration longer than 0");
  if (!isCount(burst)) throw refuse("burst", burst, "it takes a whole number above 0");
  return { rate, perMs, burst };
}

function isCount(value: unknown): value is number {
  return isAmount(value) && Number.isSafeInteger(value);
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}
