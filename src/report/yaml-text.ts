import { Document, Scalar, stringify, visit } from "yaml";
import { isDeeperThan } from "../spec/json-value.js";

// What a block of text would not bring back, or not show: control characters, odd line ends, byte order marks, lone
// surrogates.
const unsafeInBlock = /[^\P{Cc}\n\t]|[\u0085\u2028\u2029\uFEFF]|\p{Cs}/u;

/**
 * A JSON value as YAML that people read and diff: several lines as a block, nothing folded, nothing shared by alias.
 * Text and numbers stay apart (`"42"` and `42`), and what cannot be seen is escaped. What is nested deeper than people read is
 * one line of JSON.
 */
export function yamlText(value: unknown): string {
  if (isDeeperThan(value, mostLevels)) return deepText(value);
  const document = new Document(asJson(value), { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(key, node) {
      if (typeof node.value === "string") node.type = styleOf(node.value, key === "key");
    },
  });
  return document.toString({ lineWidth: 0, blockQuote: "literal" });
}

/** Most levels that are indented. YAML is written by a recursion that ends where the stack does. */
const mostLevels = 100;

/** A value as YAML for people to read, shared parts written out; one line of JSON where it is nested too deeply. */
export function plainYaml(value: unknown): string {
  if (isDeeperThan(value, mostLevels)) return deepText(value);
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

const deepText = (value: unknown) => `${JSON.stringify(value)}\n`;

type StringStyle = "QUOTE_DOUBLE" | "BLOCK_LITERAL" | "PLAIN";

function styleOf(text: string, isKey: boolean): StringStyle {
  if (unsafeInBlock.test(text)) return Scalar.QUOTE_DOUBLE;
  if (!text.includes("\n")) return Scalar.PLAIN;
  // A block's indentation is told from its first line, so that line must not begin with white space itself.
  return isKey || /^\s/.test(text) ? Scalar.QUOTE_DOUBLE : Scalar.BLOCK_LITERAL;
}

/** What JSON would keep of a value; `undefined` reads `null`. */
function asJson(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value) ?? "null") as unknown);
}
