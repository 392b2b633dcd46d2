import type { Store } from "@jobbers/core";

/** Verbs that change something; every one of them may be executed twice. */
export const CHANGING = [
  "submit",
  "noteBlobs",
  "cancel",
  "retry",
  "purgeDeadLetters",
  "declareQueues",
  "setQueue",
  "obliterateQueue",
  "setRole",
  "deleteRole",
  "serve",
  "openSession",
  "exchange",
  "expand",
  "renew",
  "announce",
  "appendLogs",
  "release",
  "closeSession",
  "throttle",
  "setLimit",
  "promoteDue",
  "reapSessions",
  "watchQueues",
  "purge",
  "dueBlobs",
  "forgetBlobs",
] as const satisfies readonly (keyof Store)[];

/** A verb that changes something. */
export type ChangingVerb = (typeof CHANGING)[number];

/** Stands around each call of a changing verb: may run it, run it twice, hold it back, or fail. */
export type Around = (
  verb: ChangingVerb,
  call: () => Promise<unknown>,
  args: readonly unknown[],
) => Promise<unknown>;

/** A store of which each changing call goes through `around`; everything else goes straight through. */
export function wrapStore(store: Store, around: Around): Store {
  return new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      if (!isChanging(key)) return member.bind(target);
      return (...args: unknown[]) => around(key, async () => member.apply(target, args), args);
    },
  });
}

function isChanging(key: string | symbol): key is ChangingVerb {
  return (CHANGING as readonly (string | symbol)[]).includes(key);
}
