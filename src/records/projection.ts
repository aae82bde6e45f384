import { dagDeclarationOf, dagHash, declarationOf, hashOf } from "../spec/canonical.js";
import { orderOf } from "../spec/order.js";
import { type DagSpec, kindOf, type Node } from "../spec/shape.js";
import { declaredFields } from "./declared.js";
import type { DagProjection, NodeProjection } from "./events.js";

const projections = new WeakMap<DagSpec, DagProjection>();

/** A spec's JSON projection. */
export function projectDag(spec: DagSpec): DagProjection {
  let projection = projections.get(spec);
  if (projection === undefined) {
    const { name: _name, output: _output, ...stated } = dagDeclarationOf(spec);
    projection = {
      name: spec.name,
      hash: dagHash(spec),
      nodes: Object.fromEntries(Object.entries(spec.nodes).map(([name, node]) => [name, projectNode(node)])),
      outputs: orderOf(spec).outputs,
      declared: declaredFields(stated),
    };
    projections.set(spec, projection);
  }
  return projection;
}

function projectNode(node: Node): NodeProjection {
  const declaration = declarationOf(node);
  const { needs: _needs, join: _join, dag: _dag, ...stated } = declaration;
  const { description: _description, policy: _policy, ...valued } = declaration;
  return {
    hash: hashOf(declaration),
    valueHash: hashOf(valued),
    kind: kindOf(node),
    needs: node.needs ?? [],
    join: node.join ?? "all",
    description: node.description ?? null,
    conditional: node.when !== undefined,
    mapped: node.forEach !== undefined,
    declared: declaredFields(stated),
    ...(node.dag !== undefined && { dag: projectDag(node.dag) }),
  };
}
