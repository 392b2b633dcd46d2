import type { Store } from "@jobbers/core";

/** A store that counts the calls of its verbs. */
export function countedStore(store: Store): { readonly store: Store; readonly calls: () => number } {
  let calls = 0;
  const proxy = new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        calls++;
        return member.apply(target, args);
      };
    },
  });
  return { store: proxy, calls: () => calls };
}
