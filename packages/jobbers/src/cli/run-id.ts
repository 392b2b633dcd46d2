import { createRunIds } from "@jobbers/core";

/** Makes a new run id, so that a program can tell it before it submits. */
export const newRunId: () => string = createRunIds(Date.now);
