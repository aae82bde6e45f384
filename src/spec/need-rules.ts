import type { DagIssue } from "../errors.js";
import { didYouMean } from "./did-you-mean.js";
import { issue, pathTo, showValue } from "./issue.js";

/** Issues of one node's `needs`. */
export function validateNeeds(
  name: string,
  needs: unknown,
  names: ReadonlySet<string>,
  path: string,
): DagIssue[] {
  if (needs === undefined) return [];
  if (!Array.isArray(needs)) {
    return [
      issue(
        "bad-needs",
        path,
        `needs has to be a list of node names, but is ${showValue(needs)}.`,
        'Write needs: ["name"].',
      ),
    ];
  }
  const seen = new Set<unknown>();
  return needs.flatMap((need: unknown, i) => {
    const at = pathTo(path, i);
    if (typeof need !== "string") {
      return [
        issue(
          "bad-needs",
          at,
          `A need has to be a node's name, but is ${showValue(need)}.`,
          "Write the name as text.",
        ),
      ];
    }
    if (need === name) {
      return [issue("self-need", at, `Node "${name}" needs itself.`, "Remove the name from its needs.")];
    }
    if (!names.has(need)) {
      const others = [...names].filter((other) => other !== name);
      const message = `Node "${name}" needs ${showValue(need)}, which is not declared.`;
      return [issue("unknown-need", at, message, didYouMean(need, others))];
    }
    if (seen.has(need)) {
      return [issue("duplicate-need", at, `Node "${name}" needs "${need}" twice.`, "Name it once.")];
    }
    seen.add(need);
    return [];
  });
}

/** The names in a node's `needs` that can be followed: declared, not its own, each once. */
export function followable(name: string, needs: unknown, names: ReadonlySet<string>): string[] {
  if (!Array.isArray(needs)) return [];
  return [
    ...new Set(
      needs.filter((need): need is string => typeof need === "string" && need !== name && names.has(need)),
    ),
  ];
}

/** Issues for the cycles among nodes; `placeOf` tells where a need stands. */
export function validateAcyclic(
  needsOf: ReadonlyMap<string, readonly string[]>,
  placeOf: (name: string, need: string) => string,
): DagIssue[] {
  return findCycles(needsOf).map((cycle) => {
    const [first = "", next = first] = cycle;
    const text = (cycle.length > mostNames ? [...cycle.slice(0, mostNames), "…"] : cycle)
      .concat(first)
      .join(" → ");
    const message = `${cycle.length} nodes wait for each other: ${text} (each needs the next).`;
    return issue("cycle", placeOf(first, next), message, "Remove one of these needs.");
  });
}

const mostNames = 30;
const mostCycles = 50;

/**
 * Cycles as lists of names, each node needing the next and the last the first. Every need that closes a cycle in a
 * depth-first walk gives one, so none is told twice, and an empty list means that there is no cycle. At most 50.
 */
export function findCycles(needsOf: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const start of needsOf.keys()) {
    if (done.has(start)) continue;
    // A stack of our own: a chain may be longer than the call stack is deep.
    const path: { name: string; next: number }[] = [{ name: start, next: 0 }];
    const depthOf = new Map([[start, 0]]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const need = needsOf.get(top.name)?.[top.next++];
      if (need === undefined) {
        done.add(top.name);
        depthOf.delete(top.name);
        path.pop();
        continue;
      }
      const depth = depthOf.get(need);
      if (depth !== undefined) {
        cycles.push(path.slice(depth).map((step) => step.name));
        if (cycles.length === mostCycles) return cycles;
      } else if (!done.has(need)) {
        depthOf.set(need, path.length);
        path.push({ name: need, next: 0 });
      }
    }
  }
  return cycles;
}
