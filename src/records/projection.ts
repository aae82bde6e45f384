import { dagHash, declarationOf, hashOf } from "../spec/canonical.js";
import { orderOf } from "../spec/order.js";
import { type DagSpec, kindOf, type Node } from "../spec/shape.js";
import type { DagProjection, NodeProjection } from "./events.js";

const projections = new WeakMap<DagSpec, DagProjection>();

/** A spec's JSON projection. */
export function projectDag(spec: DagSpec): DagProjection {
  let projection = projections.get(spec);
  if (projection === undefined) {
    projection = {
      name: spec.name,
      hash: dagHash(spec),
      nodes: Object.fromEntries(Object.entries(spec.nodes).map(([name, node]) => [name, projectNode(node)])),
      outputs: orderOf(spec).outputs,
    };
    projections.set(spec, projection);
  }
  return projection;
}

function projectNode(node: Node): NodeProjection {
  return {
    hash: hashOf(declarationOf(node)),
    kind: kindOf(node),
    needs: node.needs ?? [],
    join: node.join ?? "all",
    description: node.description ?? null,
    conditional: node.when !== undefined,
    mapped: node.forEach !== undefined,
    ...(node.dag !== undefined && { dag: projectDag(node.dag) }),
  };
}
