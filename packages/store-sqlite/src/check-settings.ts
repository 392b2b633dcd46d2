import { soundPolicy } from "@jobbers/core";
import type { Inspection } from "./check.js";
import type { SqlValue } from "./driver.js";
import { forgetSettings, type SettingsRow, settingsRows, writeSettings } from "./steering.js";

/** How queues are set can be read, and says what can be. */
export function checkSettings(inspection: Inspection): undefined {
  const { unit, tell } = inspection;
  for (const { name, weighted, ...row } of settingsRows(unit.sql)) {
    inspection.examined++;
    const { sound, broken } = soundRow(row);
    const detail = broken === 1 ? name : `${name}: ${broken} parts`;
    const isBroken = broken > 0 && tell("settings-broken", { key: "queue_settings", detail }, true);
    if (!sound) {
      if (isBroken) forgetSettings(unit.sql, name);
      continue;
    }
    const isUnheeded =
      weighted !== Number(isWeighted(sound)) &&
      tell("settings-unheeded", { key: "queue_settings", detail: `${name}: whether it is weighted` }, true);
    if (isBroken || isUnheeded) writeSettings(unit.sql, name, sound);
  }
}

/** What is left of a queue's settings, nothing where none of it can be read; and how much of them cannot. */
function soundRow(row: Record<keyof SettingsRow, SqlValue>): { sound?: SettingsRow; broken: number } {
  const isFlag = (value: SqlValue) => value === 0 || value === 1;
  const isWhole = (value: SqlValue) => Number.isInteger(value) && (value as number) >= 0;
  const { paused, draining, version, editor, edited } = row;
  if (!isFlag(paused) || !isFlag(draining) || !isWhole(version) || !(edited === null || isWhole(edited)))
    return { broken: 1 };
  const code = soundText(row.code, false);
  const edit = soundText(row.edit, true);
  const isNamed = editor === null || typeof editor === "string";
  const sound = { ...row, code: code.text, edit: edit.text, editor: isNamed ? editor : null } as SettingsRow;
  return { sound, broken: code.broken + edit.broken + Number(!isNamed) };
}

function soundText(text: SqlValue, isEdit: boolean): { readonly text: string; readonly broken: number } {
  try {
    const { policy, broken } = soundPolicy(JSON.parse(String(text)), isEdit);
    return { text: broken === 0 ? String(text) : JSON.stringify(policy), broken };
  } catch {
    return { text: "{}", broken: 1 };
  }
}

function isWeighted({ code, edit }: SettingsRow): boolean {
  return { ...JSON.parse(code), ...JSON.parse(edit) }.priority === "weighted";
}
