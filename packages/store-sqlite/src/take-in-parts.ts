/** How the slots of one exchange are divided between the queues that a session asks for. */
export interface Parts {
  /** How many more are wanted. */
  room(): number;
  /** Takes at most so many of some queues together, or of one weighted queue; answers how many. */
  take(queues: readonly string[], most: number): number;
  /** How often the session has asked for several queues of which some are weighted. */
  rotate(): number;
}

/** Each queue gets its part of the slots, and what some leave is for the others. */
export function takeByWeight(parts: Parts, queues: readonly string[], weights: readonly number[]): number[] {
  const all = parts.room();
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const shares = queues.map((queue, i) => parts.take([queue], Math.ceil((all * (weights[i] ?? 0)) / sum)));
  return queues.map((queue, i) => (shares[i] ?? 0) + parts.take([queue], parts.room()));
}

/** Weighted queues are taken from each by itself, the others together: each of these gets an even part, and another goes first each time. */
export function takeApart(parts: Parts, queues: readonly string[], weighted: ReadonlySet<string>): void {
  const strict = queues.filter((queue) => !weighted.has(queue));
  const groups = [...new Set(queues)].filter((queue) => weighted.has(queue)).map((queue) => [queue]);
  if (strict.length > 0) groups.push(strict);
  const [only, ...more] = groups;
  if (only === undefined) return;
  if (more.length === 0) {
    parts.take(only, parts.room());
    return;
  }
  groups.push(...groups.splice(0, parts.rotate() % groups.length));
  const most = Math.ceil(parts.room() / groups.length);
  for (const group of groups) parts.take(group, most);
  for (const group of groups) parts.take(group, parts.room());
}
