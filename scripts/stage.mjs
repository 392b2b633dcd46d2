const seconds = (sinceMs) => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

/**
 * Runs one stage and prints it as one line, whose second half (the time) appears when the work is done.
 * A failing stage shows all that it printed. With `live` the work writes to the terminal itself.
 */
export async function stage(title, work, { live = false, to = process.stdout } = {}) {
  const startedMs = performance.now();
  to.write(live ? `${title} …\n` : `${title} … `);
  const { ok, output = "" } = await work();
  const outcome = `${ok ? "done" : "FAILED"} in ${seconds(startedMs)}`;
  to.write(live ? `${title}: ${outcome}\n` : `${outcome}\n`);
  if (!ok && output.trim()) to.write(`\n${output.trimEnd()}\n\n`);
  return ok;
}
