import type { JsonValue, Renewer } from "@jobbers/core";
import { openConnection, type Place } from "./connection.js";
import { openPhotostructure } from "./driver.js";
import { createGroup } from "./group.js";
import { renew, renewalWeight } from "./session.js";

/** Renews sessions of a store on a connection of its own, for a thread whose event loop nobody blocks. */
export function openRenewer(data: JsonValue): Renewer {
  const { eventsKept, ...place } = data as unknown as Place & { readonly eventsKept: number };
  const opening = openConnection(place, openPhotostructure).then((sql) => ({
    sql,
    group: createGroup({
      sql,
      url: place.url,
      memory: {
        lines: new Map(),
        sessions: new Map(),
        eventsKept,
        eventsSinceTrim: 0,
      },
      clock: Date.now,
      onCommit: () => {},
    }),
  }));
  // Whoever renews hears of it; nobody has to before.
  opening.catch(() => {});
  return {
    async renew(session, vitals) {
      const { group } = await opening;
      return group.mutate(renewalWeight(vitals), (unit) => renew(unit, session, vitals));
    },
    async close() {
      const { sql, group } = await opening;
      await group.close();
      sql.database.close();
    },
  };
}
