import { canonicalJson, dagDeclarationOf, dagHash, declarationOf, hashOf } from "../spec/canonical.js";
import { orderOf } from "../spec/order.js";
import { type DagSpec, kindOf, type Node } from "../spec/shape.js";
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

/** Longest text that is shown whole; longer ones are cut at {@link shownLength} and end in their hash. */
const longestWhole = 72;
const shownLength = 48;

/**
 * What a declaration states, field by field, each as one short line that changes whenever the field does. Functions read
 * `(function)`: their source is not stable, because compilers and coverage tools rewrite it.
 */
function declaredFields(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.keys(fields)
      .filter((name) => fields[name] !== undefined && fields[name] !== null)
      .sort()
      .map((name) => [name, shortText(fields[name])]),
  );
}

function shortText(value: unknown): string {
  if (typeof value === "function") return "(function)";
  const text = canonicalJson(withoutFunctions(value));
  if (text.length <= longestWhole) return text;
  return `${[...text].slice(0, shownLength).join("")}… #${hashOf(text).slice(0, 8)}`;
}

function withoutFunctions(value: unknown): unknown {
  if (typeof value === "function") return "(function)";
  if (Array.isArray(value)) return value.map(withoutFunctions);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutFunctions(part)]));
}
