import type { JsonSchema } from "../spec/shape.js";

/** A field to fill: where it is, what it is called and described as, and its schema with references resolved. */
export interface Field {
  readonly name: string;
  readonly description: string;
  readonly schema: JsonSchema;
  /** Names and descriptions of the objects around it. */
  readonly context: string;
  readonly path: string;
}

/** Stands for a value that the text does not state. */
export const notStated: unique symbol = Symbol("not stated");

/** Words that a field is asked for with. */
export function wordsOf(field: Field): string {
  return `${field.name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").replaceAll(/[_-]/g, " ")} ${field.description}`;
}
