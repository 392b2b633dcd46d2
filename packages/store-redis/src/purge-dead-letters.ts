import type { DeadLetterRef } from "@jobbers/core";
import type { Script } from "./script.js";
import { keyText, packText } from "./text.js";

export const purgeDeadLettersScript: Script<[letters: readonly DeadLetterRef[]], number> = {
  name: "purge-dead-letters",
  encode: (letters) => letters.flatMap(({ run, step }) => [keyText(run), packText(step)]),
  decode: (reply) => reply as number,
};
