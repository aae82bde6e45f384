import type { DagProjection, NodeProjection } from "../records/events.js";

/** A node's join in words; `null` for the default, `all`. */
export function joinLabel(join: unknown): string | null {
  if (join === "all" || join === undefined || join === null) return null;
  if (typeof join !== "object") return `join: ${String(join)}`;
  const { mode, atLeast, deadlineMs } = join as { mode?: unknown; atLeast?: unknown; deadlineMs?: unknown };
  const kind = atLeast === undefined ? String(mode) : `at least ${String(atLeast)}`;
  return `join: ${kind}${deadlineMs === undefined ? "" : ` within ${String(deadlineMs)} ms`}`;
}

/** A `when` as a projection states it, in words: `classify.kind is "billing"`; text that is no condition as it is. */
export function conditionLabel(declared: string): string {
  try {
    return inWords(JSON.parse(declared) as Condition);
  } catch {
    return declared === "(function)" ? "a function says so" : declared;
  }
}

type Condition = { readonly [key: string]: unknown };

function inWords(when: Condition): string {
  const parts = (key: string, word: string) =>
    (when[key] as readonly Condition[]).map((part) => inWords(part)).join(` ${word} `);
  if (Array.isArray(when.all)) return parts("all", "and");
  if (Array.isArray(when.any)) return parts("any", "or");
  if (typeof when.not === "object" && when.not !== null) return `not (${inWords(when.not as Condition)})`;
  const root = when.node ?? (when.input === true ? "input" : "item");
  const place = [root, when.path].filter((part) => part !== undefined && part !== "").join(".");
  if (when.state !== undefined) return `${place} is ${[when.state].flat().join(" or ")}`;
  if (when.exists !== undefined) return `${place} ${when.exists === true ? "is there" : "is missing"}`;
  if ("equals" in when) return `${place} is ${JSON.stringify(when.equals)}`;
  if (Array.isArray(when.in)) return `${place} is ${when.in.map((one) => JSON.stringify(one)).join(" or ")}`;
  if (when.gt !== undefined) return `${place} > ${String(when.gt)}`;
  if (when.lt !== undefined) return `${place} < ${String(when.lt)}`;
  return JSON.stringify(when);
}

/** Kind, mapping and condition of a node in words: `agent · for each item · conditional`. */
export function kindLabel(node: NodeProjection): string {
  return [node.kind, ...(node.mapped ? ["for each"] : []), ...(node.conditional ? ["when"] : [])].join(" · ");
}

/** An edge of a diagram; `null` stands for START as `from` and for END as `to`. */
export interface GraphEdge {
  readonly from: string | null;
  readonly to: string | null;
}

/** The edges of a projection, START and END included. */
export function graphEdges({ nodes, outputs }: DagProjection): GraphEdge[] {
  const names = Object.keys(nodes);
  if (names.length === 0) return [{ from: null, to: null }];
  const needed = new Set(Object.values(nodes).flatMap((node) => node.needs));
  const known = (need: string) => Object.hasOwn(nodes, need);
  return [
    ...names.flatMap((name): GraphEdge[] => {
      const needs = (nodes[name]?.needs ?? []).filter(known);
      return needs.length === 0 ? [{ from: null, to: name }] : needs.map((from) => ({ from, to: name }));
    }),
    ...names
      .filter((name) => outputs.includes(name) || !needed.has(name))
      .map((from): GraphEdge => ({ from, to: null })),
  ];
}
