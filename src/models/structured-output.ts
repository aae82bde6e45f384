import type { JsonSchema } from "../spec/shape.js";
import type { Message } from "./port.js";
import { isDataFirst } from "./prompt-layout.js";
import { withoutLookaround } from "./schema-patterns.js";
import { toStrictSchema } from "./strict-schema.js";
import { hasObjectRoot, type WrappedSchema, wrappedSchema } from "./wrapped-answer.js";

/** Name of the response format, or of the one tool, that carries an answer's schema. */
export const answerName = "answer";

/**
 * How a model is held to a schema, strongest first: a format whose schema the server enforces (`strict`), one whose
 * schema it is told (`schema`), one forced tool call whose arguments are the answer (`tool`), JSON of any shape with the
 * schema in words (`json`), words alone (`instructions`).
 */
export type SchemaCarrier = "strict" | "schema" | "tool" | "json" | "instructions";

/** What a model can carry a schema with. */
export interface CarrierSupport {
  /** OpenAI's `response_format`; Ollama's `format`; neither. */
  readonly format: "openai" | "ollama" | "none";
  /** Whether a tool call can be asked for beside the request's own tools. */
  readonly tool: boolean;
  /** The carrier that was asked for. */
  readonly chosen?: SchemaCarrier | undefined;
}

/** The carriers that can be tried for a schema, the best first; never none. */
export function carriersFor(schema: JsonSchema, { format, tool, chosen }: CarrierSupport): SchemaCarrier[] {
  const object = hasObjectRoot(schema) ? schema : wrappedSchema(schema)?.schema;
  const isObject = object !== undefined;
  const possible: SchemaCarrier[] = [
    ...(format === "openai" && isObject && toStrictSchema(object) !== null ? (["strict"] as const) : []),
    ...((format === "openai" && isObject) || format === "ollama" ? (["schema"] as const) : []),
    ...(tool && isObject ? (["tool"] as const) : []),
    ...(format !== "none" && isObject ? (["json"] as const) : []),
    "instructions",
  ];
  return chosen === undefined ? possible : possible.slice(Math.max(0, possible.indexOf(chosen)));
}

/** The schema within an object, where it is none and its carrier takes objects only; else `null`. Words and Ollama's formats take any. */
export const wrappedFor = (
  schema: JsonSchema,
  carrier: SchemaCarrier,
  format: CarrierSupport["format"],
): WrappedSchema | null =>
  carrier === "instructions" || (carrier === "schema" && format === "ollama") ? null : wrappedSchema(schema);

/** OpenAI's `response_format` for a schema. */
export function responseFormat(schema: JsonSchema, carrier: "strict" | "schema" | "json") {
  if (carrier === "json") return { type: "json_object" };
  const strict = carrier === "strict" ? toStrictSchema(schema) : null;
  return {
    type: "json_schema",
    json_schema: { name: answerName, schema: strict ?? withoutLookaround(schema), strict: strict !== null },
  };
}

/** The messages with the schema put in words: at the end of the system message, or of the prompt where its data comes first. */
export function withSchemaInWords(messages: readonly Message[], schema: JsonSchema): Message[] {
  const words = `Answer with JSON only, without a code fence, that fits this JSON Schema:\n${JSON.stringify(schema)}`;
  if (isDataFirst(messages)) {
    return messages.map((message, i) =>
      i === 1 && message.role === "user"
        ? { ...message, content: `${message.content}\n\n${words}` }
        : message,
    );
  }
  const system = messages.findIndex((message) => message.role === "system");
  if (system === -1) return [{ role: "system", content: words }, ...messages];
  return messages.map((message, i) =>
    i === system && message.role === "system"
      ? { ...message, content: `${message.content}\n\n${words}` }
      : message,
  );
}
