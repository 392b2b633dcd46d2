import { AsyncLocalStorage, createHook } from "node:async_hooks";

const setters = new AsyncLocalStorage<HandlerTimers>();
const onTimerSet = createHook({
  init(_id, type, _trigger, resource) {
    if (type === "Timeout") setters.getStore()?.add(resource as NodeJS.Timeout);
  },
});

/**
 * The real timers that handlers set themselves. Counting all of a process would not do: one of a test runner that ends in the
 * moment in which a handler sets its own leaves the count as it was.
 */
export class HandlerTimers {
  #set = new Set<NodeJS.Timeout>();

  /** Calls a handler; timers are its own that it, or what it called, sets. */
  within<T>(call: () => T): T {
    onTimerSet.enable();
    return setters.run(this, call);
  }

  add(timer: NodeJS.Timeout): void {
    this.#set.add(timer);
  }

  /** Whether one is set that keeps the process alive: those that fired or were cleared do no longer. */
  get isAnySet(): boolean {
    for (const timer of this.#set) {
      if (timer.hasRef()) return true;
      this.#set.delete(timer);
    }
    return false;
  }
}
