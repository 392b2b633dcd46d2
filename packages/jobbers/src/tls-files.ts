import { readFile } from "node:fs/promises";
import { JobbersError } from "@jobbers/core";
import type { TlsTexts } from "@jobbers/store-redis";

/** The environment variables that name PEM files. */
const variables = { ca: "JOBBERS_TLS_CA", cert: "JOBBERS_TLS_CERT", key: "JOBBERS_TLS_KEY" } as const;

/**
 * The certificates for a store that is reached by TLS: those that were given, else those in the files that the environment names.
 *
 * @throws JobbersError `flag-invalid` for a file that cannot be read
 */
export async function tlsTexts(given: TlsTexts | undefined, environment = process.env): Promise<TlsTexts> {
  if (given) return given;
  const texts: { -readonly [name in keyof TlsTexts]: TlsTexts[name] } = {};
  for (const name of ["ca", "cert", "key"] as const) {
    const path = environment[variables[name]];
    if (path) texts[name] = await read(variables[name], path);
  }
  return texts;
}

async function read(variable: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const why = (cause as Error).message;
    throw new JobbersError("flag-invalid", `${variable} names a file that cannot be read: ${why}`, { cause });
  }
}
