/**
 * What `jobbers dev` and the process that does its work tell each other.
 *
 * ```mermaid
 * sequenceDiagram
 *   supervisor->>child: load
 *   child->>supervisor: loaded, or refused (then it ends)
 *   Note over supervisor: the child before this one drains and ends
 *   supervisor->>child: serve
 *   child->>supervisor: serving, or failed (then it ends)
 *   supervisor->>child: stop
 *   Note over child: drains and ends, as it does when the channel is cut
 * ```
 */
export type ToChild =
  | { readonly type: "load"; readonly files: readonly string[] }
  | ({ readonly type: "serve" } & Serving)
  /** What runs has so long to finish, in milliseconds; then it is given back. */
  | { readonly type: "stop"; readonly graceMs: number };

/** Where and how a child serves. */
export interface Serving {
  readonly store: string;
  readonly blobs: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly concurrency: number | undefined;
}

/** What a child tells; paths are absolute. */
export type FromChild =
  | { readonly type: "loaded"; readonly names: readonly string[]; readonly files: readonly string[] }
  | { readonly type: "refused"; readonly message: string; readonly files: readonly string[] }
  | { readonly type: "serving"; readonly url: string; readonly port: number; readonly store: string }
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string };
