import type { Script } from "./script.js";

export const readTimeScript: Script<[], number> = {
  name: "read-time",
  encode: () => [],
  decode: (reply) => Number(reply),
};
