import type { DagProjection, NodeProjection } from "../records/events.js";

/** A node's join in words; `null` for the default, `all`. */
export function joinLabel(join: unknown): string | null {
  if (join === "all" || join === undefined || join === null) return null;
  if (typeof join !== "object") return `join: ${String(join)}`;
  const { mode, atLeast, deadlineMs } = join as { mode?: unknown; atLeast?: unknown; deadlineMs?: unknown };
  const kind = atLeast === undefined ? String(mode) : `at least ${String(atLeast)}`;
  return `join: ${kind}${deadlineMs === undefined ? "" : ` within ${String(deadlineMs)} ms`}`;
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
