/** What a person typed as an answer: JSON where it is JSON, else the text itself. */
export function typedAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What a person made of a value, or why it cannot be that. */
export type TypedEdit = { readonly value: unknown } | { readonly problem: string };

/**
 * What a person typed in place of `edited`. An edited text stays text, whatever it looks like; in place of anything else stands
 * JSON, or a text that does not begin like JSON.
 */
export function typedEdit(text: string, edited: unknown): TypedEdit {
  if (typeof edited === "string") return { value: text };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (!/^\s*["[{]/.test(text)) return { value: text };
    return { problem: `This begins like JSON and is none: ${(error as Error).message}` };
  }
}
