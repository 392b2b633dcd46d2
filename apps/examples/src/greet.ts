// The smallest dag with a fan-out, for trying things: npx jobbers dev apps/examples/src/greet.ts
import { dag, task } from "jobbers";
import { z } from "zod";

/** Says a word louder. */
export const shout = task({
  name: "shout",
  input: z.object({ word: z.string() }),
  run: async ({ word }) => word.toUpperCase(),
});

/** Shouts each of some names. */
export const greet = dag("greet", { input: z.object({ names: z.array(z.string()) }) }, ({ names }) =>
  names.map((word) => shout({ word })),
);
