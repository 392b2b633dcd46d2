import { type BlobRef, JobbersError, type Store } from "@jobbers/core";
import type { BlobPlace } from "./wire/step.js";

type Values = Pick<Store, "readValues" | "large">;

/** The values under some keys that lie elsewhere because they are too large for the store: where. */
export async function placesOf(
  { large }: Values,
  run: string,
  keys: readonly string[],
): Promise<Record<string, BlobPlace>> {
  if (!large || keys.length === 0) return {};
  const refs = Object.entries(await large.locate(run, keys));
  return Object.fromEntries(refs.map(([key, ref]) => [key, placeView(ref)]));
}

/** A value as JSON text, and where it lies where that is not the store; one that cannot be read is only told of. */
export async function readPlaced(
  store: Values,
  run: string,
  key: string,
): Promise<{ readonly text?: string | undefined; readonly place?: BlobPlace | undefined }> {
  const place = (await placesOf(store, run, [key]))[key];
  try {
    return { text: (await store.readValues(run, [key]))[key] ?? undefined, place };
  } catch (error) {
    if (!place || !(error instanceof JobbersError) || !error.code.startsWith("blob-")) throw error;
    return { place: { ...place, trouble: error.message } };
  }
}

function placeView({ place, name, bytes, sha256 }: BlobRef): BlobPlace {
  return { url: `${place}/${name}`, bytes, sha256 };
}
