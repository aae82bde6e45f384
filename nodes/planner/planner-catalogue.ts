import type { CatalogueEntry } from "../../src/models/catalogue.js";
import { toolNamesOf } from "../../src/models/tool-names.js";
import { excerpt } from "../../src/spec/issue.js";
import { composedName } from "../../src/spec/names.js";
import { nodeOf, orderOf } from "../../src/spec/order.js";
import { type DagSpec, type JsonSchema, kindOf, type Node } from "../../src/spec/shape.js";
import { toolParameters } from "../kinds/tool-calls.js";

/** A node that a planner may call. */
export interface Callable {
  /** The node's name. */
  readonly name: string;
  readonly node: Node;
  /** Its line in the catalogue of the planner's prompt, under the name that the planner calls it by. */
  readonly entry: CatalogueEntry;
  /** JSON Schema of the arguments of a call. */
  readonly parameters: JsonSchema;
}

/** Longest focus of a call, in characters. A focus says where to look; it does not carry the document. */
export const maxFocusLength = 200;

const maxDescriptionLength = 300;

/**
 * The nodes that a planner may call, by the name that it calls them by: all but approvals, which are only ever needs, and the output node that
 * the planner writes itself.
 */
export function callablesOf(
  spec: DagSpec,
  toolInput: "state" | "argument" = "state",
): ReadonlyMap<string, Callable> {
  const written = writtenOutput(spec);
  const callables = new Map<string, Callable>();
  const toolNames = toolNamesOf(Object.keys(spec.nodes));
  const called = (name: string) => toolNames.get(name) ?? name;
  for (const [name, node] of Object.entries(spec.nodes)) {
    if (name === written || kindOf(node) === "approval") continue;
    const parameters = parametersOf(node, toolInput);
    const args = Object.keys((parameters.properties ?? {}) as object);
    const needs = (node.needs ?? []).map(called);
    const entry = { name: called(name), description: descriptionOf(name, node), args, needs };
    callables.set(entry.name, { name, node, entry, parameters });
  }
  return callables;
}

/** The callable that a planner means, by the name that it was told or by the node's own. */
export function callableOf(callables: ReadonlyMap<string, Callable>, said: string): Callable | undefined {
  const name = composedName(said);
  return callables.get(said) ?? [...callables.values()].find((callable) => callable.name === name);
}

/** The output node that a planner or joiner writes itself: the only one, when it is an agent that needs no approval. */
export function writtenOutput(spec: DagSpec): string | undefined {
  const [output, ...others] = orderOf(spec).outputs;
  if (output === undefined || others.length > 0) return undefined;
  const node = spec.nodes[output];
  const plain = node !== undefined && kindOf(node) === "agent" && node.forEach === undefined;
  const guarded = (node?.needs ?? []).some((need) => kindOf(nodeOf(spec, need)) === "approval");
  return plain && !guarded ? output : undefined;
}

/** The approvals that stand before a node. */
export function approvalsBefore(spec: DagSpec, name: string): Set<string> {
  const before = new Set(nodeOf(spec, name).needs);
  // What is added while the set is gone through is come to as well.
  for (const need of before) for (const further of nodeOf(spec, need).needs ?? []) before.add(further);
  return new Set([...before].filter((need) => kindOf(nodeOf(spec, need)) === "approval"));
}

function descriptionOf(name: string, node: Node): string {
  const { description, instructions, tool, dag } = node;
  const text =
    description ??
    (typeof instructions === "string" ? instructions : undefined) ??
    tool?.description ??
    dag?.description ??
    name;
  const line = text.replace(/\s+/g, " ").trim();
  return excerpt(line, maxDescriptionLength);
}

function parametersOf(node: Node, toolInput: "state" | "argument"): JsonSchema {
  if (node.tool !== undefined) {
    const parameters = toolParameters(node.tool);
    const { required: _, ...optional } = parameters;
    // What the node's `args` fill in need not be given.
    return node.args === undefined ? parameters : optional;
  }
  if (kindOf(node) !== "agent") return { type: "object", properties: {}, additionalProperties: false };
  const focus = {
    type: "string",
    maxLength: maxFocusLength,
    description: "What to look at in particular, in a few words. Leave it out to look at everything.",
  };
  if (toolInput === "state") {
    return { type: "object", properties: { focus }, additionalProperties: false };
  }
  const input = { type: "string", description: "The whole text to work on." };
  return {
    type: "object",
    properties: { input, focus },
    required: ["input"],
    additionalProperties: false,
  };
}
