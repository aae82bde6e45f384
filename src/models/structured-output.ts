import type { JsonSchema } from "../spec/shape.js";
import type { Message } from "./port.js";

/** Name of the response format, or of the one tool, that carries an answer's schema. */
export const answerName = "answer";

/**
 * How a model is held to a schema: OpenAI's response format, one forced tool call whose arguments are the answer,
 * or a sentence in the system message, where the others are not to be had.
 */
export type SchemaCarrier = "response-format" | "tool" | "instructions";

/** The best carrier that a model has. Formats and tools take objects only, so that other schemas are put in words. */
export function schemaCarrier(schema: JsonSchema, model: { openAi: boolean; tools: boolean }): SchemaCarrier {
  if (schema.type !== "object") return "instructions";
  if (model.openAi) return "response-format";
  return model.tools ? "tool" : "instructions";
}

/** OpenAI's `response_format` for a schema; `strict` only where the schema keeps OpenAI's rules for it. */
export function responseFormat(schema: JsonSchema) {
  return { type: "json_schema", json_schema: { name: answerName, schema, strict: isStrictSchema(schema) } };
}

/** The messages with the schema put in words, at the end of the system message. */
export function withSchemaInWords(messages: readonly Message[], schema: JsonSchema): Message[] {
  const words = `Answer with JSON only, without a code fence, that fits this JSON Schema:\n${JSON.stringify(schema)}`;
  const system = messages.findIndex((message) => message.role === "system");
  if (system === -1) return [{ role: "system", content: words }, ...messages];
  return messages.map((message, i) =>
    i === system && message.role === "system"
      ? { ...message, content: `${message.content}\n\n${words}` }
      : message,
  );
}

/** Keywords that OpenAI's strict mode takes: platform.openai.com/docs/guides/structured-outputs, "Supported schemas". */
const strictKeywords = new Set([
  ...[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
  ],
  ...[
    "definitions",
    "title",
    "description",
    "$schema",
    "pattern",
    "format",
    "multipleOf",
    "minimum",
    "maximum",
  ],
  ...["exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"],
]);

const strictFormats = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/** Most levels of nesting and most properties in strict mode, from the same page. */
const strictDepth = 10;
const strictProperties = 5000;

/**
 * Whether a schema keeps the rules of OpenAI's strict mode: an object at the root, every property required, no
 * additional properties, no keyword that the mode does not know.
 */
export function isStrictSchema(schema: JsonSchema): boolean {
  let properties = 0;
  const fits = (node: unknown, depth: number): boolean => {
    if (!isRecord(node) || depth > strictDepth) return false;
    if (!Object.keys(node).every((key) => strictKeywords.has(key))) return false;
    if (typeof node.format === "string" && !strictFormats.includes(node.format)) return false;
    const types = Array.isArray(node.type) ? node.type : [node.type];
    if (types.includes("object") || node.properties !== undefined) {
      const names = Object.keys(isRecord(node.properties) ? node.properties : {});
      const required = new Set(Array.isArray(node.required) ? node.required : []);
      properties += names.length;
      if (node.additionalProperties !== false || !names.every((name) => required.has(name))) return false;
    }
    const inside = [
      ...children(node.properties, depth + 1),
      ...children(node.$defs, depth),
      ...children(node.definitions, depth),
      ...(node.items === undefined ? [] : [[node.items, depth + 1] as const]),
      ...(Array.isArray(node.anyOf) ? node.anyOf.map((choice: unknown) => [choice, depth] as const) : []),
    ];
    return inside.every(([child, level]) => fits(child, level));
  };
  return (
    schema.type === "object" &&
    schema.anyOf === undefined &&
    fits(schema, 0) &&
    properties <= strictProperties
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const children = (of: unknown, depth: number): (readonly [unknown, number])[] =>
  isRecord(of) ? Object.values(of).map((child) => [child, depth] as const) : [];
