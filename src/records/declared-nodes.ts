import type { DagProjection, NodeProjection } from "./events.js";

/** The nodes on a declared path (no items, calls and rounds), from the outermost inwards, as far as there are any. */
export function nodesAlong(dag: DagProjection, path: string): NodeProjection[] {
  const found: NodeProjection[] = [];
  let nodes: DagProjection["nodes"] | undefined = dag.nodes;
  for (const name of path.split("/")) {
    const node: NodeProjection | undefined =
      nodes !== undefined && Object.hasOwn(nodes, name) ? nodes[name] : undefined;
    if (node === undefined) break;
    found.push(node);
    nodes = node.dag?.nodes;
  }
  return found;
}

/** The node at a declared path; `undefined` where there is none. */
export function nodeAt(dag: DagProjection, path: string): NodeProjection | undefined {
  const found = nodesAlong(dag, path);
  return found.length === path.split("/").length ? found.at(-1) : undefined;
}
