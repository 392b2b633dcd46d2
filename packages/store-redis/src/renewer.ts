import type { JsonValue, Renewal, Renewer } from "@jobbers/core";
import { openClient, type Place } from "./connection.js";
import { keysOf } from "./keys.js";
import { createServer, type Server } from "./server.js";
import { renewScript } from "./session.js";

/** Renews sessions of a store on a connection of its own, for a thread whose event loop nobody blocks. */
export function openRenewer(data: JsonValue): Renewer {
  const { eventsKept, ...place } = data as unknown as Place & { readonly eventsKept: number };
  let isClosed = false;
  let opening: ReturnType<typeof openClient> | undefined;
  /** A first connection that fails is tried again with the next renewal. */
  const connect = async (): Promise<Server> => {
    opening ??= openClient(place);
    try {
      const redis = await opening;
      return createServer({
        redis,
        keys: keysOf(place.namespace),
        url: place.url,
        clock: undefined,
        isClosed: () => isClosed,
      });
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  return {
    async renew(session, vitals): Promise<Renewal> {
      return (await connect()).run(renewScript, session, vitals, eventsKept);
    },
    async close() {
      isClosed = true;
      const redis = await opening?.catch(() => undefined);
      redis?.disconnect();
    },
  };
}
