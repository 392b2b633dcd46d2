/** Where a scenario of the HTTP API runs: a store that is empty. */
export interface HttpPlace {
  readonly store: "redis" | "sqlite";
  readonly url: string;
}
