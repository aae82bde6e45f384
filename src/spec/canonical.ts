import { createHash } from "node:crypto";
import { isZodSchema, readSchema, toJsonSchema } from "./schema.js";
import type { DagSpec, Node } from "./shape.js";

/** JSON with sorted keys: equal data gives equal text, whatever the order in which keys were written. */
export function canonicalJson(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) => {
      if (typeof part === "function") return `[function ${part.toString()}]`;
      if (typeof part === "bigint") return `${part}n`;
      if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
      return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
    }) ?? "undefined"
  );
}

/** First 16 hex digits of the SHA-256 of the canonical JSON of `value`. */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 16);
}

/** A node's declaration as JSON: schemas as JSON Schema, functions by their source, tools and models by name. */
export function declarationOf(node: Node): Record<string, unknown> {
  const { output, tool, tools, dag, model, runnable, ...rest } = node;
  return {
    ...rest,
    ...(output !== undefined && { output: schemaJson(output) }),
    ...(tool !== undefined && { tool: tool.name }),
    ...(tools !== undefined && {
      tools: tools.map((one) => ("tool" in one ? { name: one.tool.name, approve: one.approve } : one.name)),
    }),
    ...(dag !== undefined && { dag: dagHash(dag) }),
    ...(runnable !== undefined && { runnable: runnable.name ?? runnable.constructor.name }),
    ...(model !== undefined && { model: typeof model === "string" ? model : model._llmType() }),
  };
}

const hashes = new WeakMap<DagSpec, string>();

/** Hash of a whole declaration: changes when a node, an edge, a prompt or a schema does. */
export function dagHash(spec: DagSpec): string {
  let hash = hashes.get(spec);
  if (hash === undefined) {
    const nodes = Object.fromEntries(
      Object.entries(spec.nodes).map(([name, node]) => [name, declarationOf(node)]),
    );
    hash = hashOf({ ...dagDeclarationOf(spec), nodes });
    hashes.set(spec, hash);
  }
  return hash;
}

/** What a spec states besides its nodes, as JSON like {@link declarationOf}. */
export function dagDeclarationOf(spec: DagSpec): Record<string, unknown> {
  const { input, context, model, nodes: _, ...rest } = spec;
  return {
    ...rest,
    ...(input !== undefined && { input: schemaJson(input) }),
    ...(context !== undefined && { context: schemaJson(context) }),
    ...(model !== undefined && { model: typeof model === "string" ? model : model._llmType() }),
  };
}

function schemaJson(schema: NonNullable<Node["output"]>): unknown {
  if (!isZodSchema(schema)) return schema;
  return readSchema(schema, () => toJsonSchema(schema), "[schema that JSON Schema cannot express]");
}
