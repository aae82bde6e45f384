import type { DagProjection, NodeProjection } from "../records/events.js";
import { conditionLabel, joinLabel } from "./graph-label.js";
import type { PageGraph } from "./page-model.js";
import { list, object, str, type TextChoice } from "./page-rows.js";
import { layOutGraph } from "./svg-layout.js";

/** Room for the line under a node's name: its state, its time, its tokens. */
const stateLine = "completed · 00.0 s · 0,000";

/** Declared fields that are a part of prompts. */
const promptFields = new Set(["instructions", "output", "tools"]);

/** A DAG and every graph in it, each placed by itself, under `name` and `name/NODE`. */
export function pageGraphs(dag: DagProjection, name: string, texts: TextChoice): Record<string, PageGraph> {
  const graphs: Record<string, PageGraph> = { [name]: pageGraph(dag, name, texts) };
  for (const [node, { dag: inner }] of Object.entries(dag.nodes)) {
    if (inner !== undefined) Object.assign(graphs, pageGraphs(inner, `${name}/${node}`, texts));
  }
  return graphs;
}

function pageGraph(dag: DagProjection, name: string, { noTexts }: TextChoice): PageGraph {
  const names = Object.keys(dag.nodes);
  const layout = layOutGraph({ ...dag, nodes: mapNodes(dag.nodes, drawn) }, false);
  const edges = names.flatMap((to) =>
    (dag.nodes[to]?.needs ?? [])
      .filter((from) => Object.hasOwn(dag.nodes, from))
      .map((from) => ({ from, to })),
  );
  return {
    name: str(dag.name),
    width: Math.round(layout.width),
    height: Math.round(layout.height),
    nodes: names.map((node, index) => {
      const box = layout.boxes[index];
      const projected = dag.nodes[node] as NodeProjection;
      const declared = Object.fromEntries(
        Object.entries(object(projected.declared))
          .filter(([field]) => !noTexts || !promptFields.has(field))
          .map(([field, text]) => [field, str(text)]),
      );
      return {
        name: node,
        kind: str(projected.kind),
        x: Math.round(box?.x ?? 0),
        y: Math.round(box?.y ?? 0),
        width: Math.round(box?.width ?? 0),
        height: Math.round(box?.height ?? 0),
        needs: list(projected.needs).map((need) => str(need)),
        output: list(dag.outputs).includes(node),
        mapped: projected.mapped === true,
        repeated: declared.repeat !== undefined,
        when: projected.conditional === true ? conditionLabel(declared.when ?? "a condition") : null,
        join: joinLabel(projected.join),
        ...(joinLabel(projected.join) !== null && { rule: projected.join }),
        description: projected.description === null ? null : str(projected.description),
        declared,
        inner: projected.dag === undefined ? null : `${name}/${node}`,
      };
    }),
    edges: layout.edges.map(({ points, conditional }, index) => ({
      from: edges[index]?.from ?? "",
      to: edges[index]?.to ?? "",
      points: points.map(({ x, y }) => [Math.round(x), Math.round(y)] as const),
      conditional,
    })),
  };
}

/** The node as it is placed: a closed box with a line for its state; its join stands beside its kind. */
function drawn({ dag: _inner, ...node }: NodeProjection): NodeProjection {
  return { ...node, join: "all", description: stateLine };
}

function mapNodes(nodes: DagProjection["nodes"], change: (node: NodeProjection) => NodeProjection) {
  return Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, change(node)]));
}
