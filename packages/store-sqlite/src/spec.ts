import type { StepAddress, StepSpec } from "@jobbers/core";

type Packed = [
  name: string | 0,
  kind: StepSpec["kind"],
  owner: string,
  parents: number,
  trigger: StepSpec["trigger"],
  flags: number,
  needs: string,
  queue: string,
  priority: number | null,
  phase: StepSpec["phase"],
  reads: readonly string[],
  dependents: number,
  catchers: number,
  // Only where there is one, or something behind it.
  startWithinMs?: number | null,
  laid?: string | null,
  stickyMs?: number,
];

const flag = { stoppable: 1, catches: 2, stops: 4, inline: 8, each: 16 } as const;

/** Writes a spec as a short JSON list; the address is not in it. */
export function packSpec(spec: StepSpec): string {
  const flags =
    (spec.stoppable ? flag.stoppable : 0) |
    (spec.catches ? flag.catches : 0) |
    (spec.stops ? flag.stops : 0) |
    (spec.inline ? flag.inline : 0) |
    (spec.each ? flag.each : 0);
  const packed: Packed = [
    spec.name === spec.address ? 0 : spec.name,
    spec.kind,
    spec.owner,
    spec.parents,
    spec.trigger,
    flags,
    spec.needs,
    spec.queue,
    spec.priority ?? null,
    spec.phase,
    spec.reads,
    spec.dependents,
    spec.catchers,
  ];
  if (spec.stickyMs !== undefined) packed.push(spec.startWithinMs ?? null, spec.laid ?? null, spec.stickyMs);
  else if (spec.laid !== undefined) packed.push(spec.startWithinMs ?? null, spec.laid);
  else if (spec.startWithinMs !== undefined) packed.push(spec.startWithinMs);
  return JSON.stringify(packed);
}

/** Reads what {@link packSpec} wrote. */
export function unpackSpec(address: StepAddress, text: string): StepSpec {
  const [
    name,
    kind,
    owner,
    parents,
    trigger,
    flags,
    needs,
    queue,
    priority,
    phase,
    reads,
    dependents,
    catchers,
    startWithinMs,
    laid,
    stickyMs,
  ] = JSON.parse(text) as Packed;
  return {
    address,
    name: name === 0 ? address : name,
    kind,
    owner,
    parents,
    trigger,
    stoppable: (flags & flag.stoppable) !== 0,
    needs,
    queue,
    priority: priority ?? undefined,
    startWithinMs: startWithinMs ?? undefined,
    ...(typeof laid === "string" && { laid }),
    ...(stickyMs !== undefined && { stickyMs }),
    ...((flags & flag.each) !== 0 && { each: true as const }),
    phase,
    reads,
    dependents,
    catchers,
    catches: (flags & flag.catches) !== 0,
    stops: (flags & flag.stops) !== 0,
    inline: (flags & flag.inline) !== 0,
  };
}
