/** A task or dag as a worker registers it; kept beyond the session, so that others can submit by name. */
export interface Registration {
  readonly kind: "dag" | "task";
  readonly name: string;
  readonly plan: string;
  readonly planText: string;
  /** JSON Schema (draft 2020-12) of what a caller sends, as JSON text; absent where the schema's library does not offer it. */
  readonly inputSchema?: string | undefined;
  /** The same of what a task answers. */
  readonly outputSchema?: string | undefined;
  /** True for a dag that parses its input: who submits it without its code leaves that to a worker (`Submission.needs`). */
  readonly parses?: boolean | undefined;
  /** What every run of it is given: its tags, and how long it is kept. */
  readonly tags?: readonly string[] | undefined;
  readonly keepMs?: number | undefined;
}

/** A registration as it is found again. */
export interface RegistrationRecord extends Registration {
  /** When this version became the newest of its name. */
  readonly registeredAtMs: number;
}

/** The newest registration of a name, as lists show it. */
export type RegistrationHead = Pick<RegistrationRecord, "kind" | "name" | "plan" | "registeredAtMs">;

/** A version that was registered under a name. */
export interface VersionRecord {
  readonly plan: string;
  readonly registeredAtMs: number;
  /** How many of the runs that the store keeps were submitted as this version. */
  readonly runs: number;
}

/** How many versions of one name are remembered. */
export const VERSIONS_KEPT = 100;
