/** A Standard Schema from a predicate: enough for tests, without a library. */
export function type<T>(fits: (value: unknown) => boolean) {
  return {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      types: undefined as { readonly input: T; readonly output: T } | undefined,
      validate: (value: unknown) =>
        fits(value) ? { value: value as T } : { issues: [{ message: "does not fit" }] },
    },
  };
}
