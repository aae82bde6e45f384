import type { JsonSchema } from "../spec/shape.js";
import type { ThoughtPiece } from "./thoughts.js";

/** A schema whose root is an object with one key, which holds what the answer is. */
export interface WrappedSchema {
  readonly schema: JsonSchema;
  readonly key: string;
}

/** Whether a schema describes an object as formats and tools take one: no alternatives at its root. */
export const hasObjectRoot = (schema: JsonSchema): boolean =>
  schema.type === "object" && schema.anyOf === undefined && schema.oneOf === undefined;

/**
 * A list, alternatives, or one of a few words as the only key of an object: response formats and tools take objects only.
 * `null` for a schema that is an object, and for one that asks for any text or anything at all, which words do better for.
 * The key is `answer`, with as many underscores as tell it apart from all that the schema names.
 */
export function wrappedSchema(schema: JsonSchema): WrappedSchema | null {
  if (hasObjectRoot(schema)) return null;
  const says = ["anyOf", "oneOf", "allOf", "enum", "const", "$ref"].some(
    (word) => schema[word] !== undefined,
  );
  if (!says && (schema.type === undefined || schema.type === "string")) return null;
  const text = JSON.stringify(schema);
  let key = "answer";
  while (text.includes(JSON.stringify(key))) key += "_";
  const { $schema: _, $defs, definitions, ...root } = schema;
  const object = (inside: unknown, defs: unknown) => ({
    type: "object",
    properties: { [key]: inside },
    required: [key],
    additionalProperties: false,
    ...(defs !== undefined && { $defs: defs }),
    ...(definitions !== undefined && { definitions: moved(definitions) }),
  });
  // What refers to the root, or to a place in it, has to find it where it stands now.
  const moved = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(moved);
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(
      Object.entries(node).map(([name, value]) => [
        name,
        name === "$ref" && typeof value === "string" && pointsIntoRoot.test(value)
          ? `#/$defs/${key}${value.slice(1)}`
          : moved(value),
      ]),
    );
  };
  const isReferredTo = /"\$ref":"#(?!\/(?:\$defs|definitions)\/)/.test(text);
  const known = $defs === undefined ? undefined : (moved($defs) as Record<string, unknown>);
  return {
    key,
    schema: isReferredTo
      ? object({ $ref: `#/$defs/${key}` }, { ...known, [key]: moved(root) })
      : object(root, $defs),
  };
}

const pointsIntoRoot = /^#(?!\/(?:\$defs|definitions)\/)(?:\/|$)/;

/**
 * Takes the object around an answer off again while its text streams. A text that does not begin with that object passes as
 * it is: a server that pays no heed to formats may have answered without it.
 */
export function unwrapper(key: string) {
  const begins = new RegExp(`^\\s*\\{\\s*"${key}"\\s*:`);
  let state: "start" | "before" | "inside" | "plain" = "start";
  let held = "";
  const given = (text: string): ThoughtPiece[] => (text === "" ? [] : [{ type: "text", text }]);
  function add(text: string): ThoughtPiece[] {
    held += text;
    if (state === "start") {
      const start = begins.exec(held);
      if (start !== null) {
        state = "before";
        held = held.slice(start[0].length);
      } else if (mayBecome(held, key)) return [];
      else state = "plain";
    }
    if (state === "before") {
      held = held.trimStart();
      if (held === "") return [];
      state = "inside";
    }
    const keep = state === "inside" ? (objectEnd.exec(held)?.[0].length ?? 0) : 0;
    const piece = held.slice(0, held.length - keep);
    held = held.slice(held.length - keep);
    return given(piece);
  }
  return {
    add,
    /** Forgets what was read, as its reader does. */
    restart() {
      state = "start";
      held = "";
    },
    /** What was held back, without the end of the object. */
    end(): ThoughtPiece[] {
      const rest = state === "inside" ? held.replace(wholeEnd, "") : held;
      held = "";
      return given(rest);
    },
  };
}

/** What may be the end of the object: white space, or a brace with white space around it. */
const objectEnd = /\s*\}\s*$|\s+$/;
const wholeEnd = /\s*\}\s*$/;

/** Whether a text may still become the beginning of the object. */
function mayBecome(text: string, key: string): boolean {
  const marks = ["{", `"${key}"`, ":"];
  let rest = text.trimStart();
  for (const mark of marks) {
    if (rest.length < mark.length) return mark.startsWith(rest);
    if (!rest.startsWith(mark)) return false;
    rest = rest.slice(mark.length).trimStart();
  }
  return true;
}
