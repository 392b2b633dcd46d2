import type { StepProgress } from "@jobbers/runs";

/** A step of the plan with the steps of its body below it. */
export interface StepNode {
  readonly step: StepProgress;
  readonly children: readonly StepNode[];
}

/**
 * Puts the steps of a plan, which come in its order, below the maps and inlined dags that own them. A body follows its owner: that
 * of a map is one map deeper, that of an inlined dag has its name in front.
 */
export function treeOf(progress: readonly StepProgress[]): StepNode[] {
  const roots: StepNode[] = [];
  const path: { step: StepProgress; children: StepNode[] }[] = [];
  for (const step of progress) {
    while (path.length > 0 && !isInside(step, (path.at(-1) as StepNode).step)) path.pop();
    const node = { step, children: [] };
    (path.at(-1)?.children ?? roots).push(node);
    if (step.kind !== "task") path.push(node);
  }
  return roots;
}

function isInside(step: StepProgress, owner: StepProgress): boolean {
  return owner.kind === "map" ? step.depth > owner.depth : step.name.startsWith(`${owner.name}/`);
}
