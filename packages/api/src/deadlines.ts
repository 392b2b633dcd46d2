import { JobbersError, type Store } from "@jobbers/core";

type Verb = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * A store whose every call ends in time: what takes longer rejects with `store-busy`, though it may still happen. Only the
 * waiting for events takes as long as it was asked to.
 */
export function withDeadlines(store: Store, ms: number): Store {
  const verbs = new Map<PropertyKey, Verb>();
  return new Proxy(store, {
    get(target, key) {
      const known = verbs.get(key);
      if (known) return known;
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      const verb: Verb = (...args) => {
        const waitMs = key === "awaitEvents" ? (args[1] as { timeoutMs: number }).timeoutMs : 0;
        return inTime(member.apply(target, args) as Promise<unknown>, ms + waitMs, String(key));
      };
      verbs.set(key, verb);
      return verb;
    },
  });
}

function inTime<T>(answer: Promise<T>, ms: number, verb: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(new JobbersError("store-busy", `the store did not answer (${verb}) within ${ms} ms`));
    const timer = setTimeout(late, ms);
    answer.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
