import type { ToolCall } from "./port.js";
import { pythonLiteral } from "./python-literals.js";

/**
 * The arguments of a whole call: none are `{}`; an object that was written twice over as text is read once more; one that is written as
 * Python writes it (`{'a': True,}`) is read as such.
 * @throws SyntaxError for arguments that are none of these.
 */
export function readArguments({ args }: Pick<ToolCall, "args">): unknown {
  if (["", "null"].includes(args.trim())) return {};
  const value = readValue(args);
  return typeof value === "string" && value.trimStart().startsWith("{") ? readValue(value) : value;
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const value = text.trimStart().startsWith("{") ? pythonLiteral(text) : undefined;
    if (value === undefined) throw error;
    return value;
  }
}
