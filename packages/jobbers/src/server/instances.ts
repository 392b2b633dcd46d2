type Class = abstract new (...args: never) => object;

/** Node's own classes, as they are before the HTTP server puts quicker ones in their place for the whole process. */
export interface Natives {
  readonly Request: Class;
  readonly Response: Class;
}

/**
 * Lets what Node's `fetch` answers count as instances of the classes that have taken the place of its own: tasks run in this
 * process too, and their libraries ask `instanceof Response`.
 */
export function keepInstances(natives: Natives): void {
  for (const [own, native] of [
    [globalThis.Request, natives.Request],
    [globalThis.Response, natives.Response],
  ] as const) {
    if (own === native) continue;
    Object.defineProperty(own, Symbol.hasInstance, {
      configurable: true,
      value(this: unknown, given: unknown): boolean {
        // Classes that extend it inherit this, and have instances of their own.
        return this === own ? given instanceof native : isOrdinaryInstance.call(this as never, given);
      },
    });
  }
}

const isOrdinaryInstance = Function.prototype[Symbol.hasInstance];
