import type { DagProjection, NodeProjection } from "../records/events.js";
import { indented } from "./view-text.js";

/** The declared DAG as text: changes when a node, an edge, a prompt, a schema or an option does, and never with a run. */
export function renderGraphView(dag: DagProjection): string {
  const width = Math.max(0, ...Object.keys(dag.nodes).map((name) => name.length));
  return [
    `graph ${dag.name}`,
    ...declaredLines(dag.declared).map((line) => `  ${line}`),
    ...Object.entries(dag.nodes).flatMap(([name, node]) => nodeLines(name, node, width)),
    `output: ${dag.outputs.join(", ")}`,
  ].join("\n");
}

function nodeLines(name: string, node: NodeProjection, width: number): string[] {
  const facts = [
    node.kind,
    ...(node.needs.length > 0 ? [`needs ${node.needs.join(", ")}`] : []),
    ...(node.join === "all" ? [] : [`join ${joinText(node.join)}`]),
    ...(node.conditional ? ["conditional"] : []),
    ...(node.mapped ? ["for each"] : []),
  ];
  return [
    `${name.padEnd(width)}  ${facts.join(" · ")}`,
    ...declaredLines(node.declared).map((line) => `  ${line}`),
    ...(node.dag === undefined ? [] : [indented(renderGraphView(node.dag))]),
  ];
}

/** A record made before declarations were kept field by field has none. */
function declaredLines(declared: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(declared).map(([field, text]) => `${field}: ${text}`);
}

function joinText(join: unknown): string {
  return typeof join === "string" ? join : JSON.stringify(join);
}
