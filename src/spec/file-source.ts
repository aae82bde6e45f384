import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  visit,
} from "yaml";
import type { DagIssue } from "../errors.js";
import { issue, showValue } from "./issue.js";

/** The text of a YAML or JSON file as a value, with the places of its parts. */
export interface FileSource {
  /** `undefined` when there are issues. */
  readonly value: unknown;
  readonly issues: readonly DagIssue[];
  /** Line and column (both 1-based) of what the steps lead to, or of the nearest part around it that is there. */
  placeOf(steps: readonly (string | number)[]): { readonly line: number; readonly column: number };
}

/** Deepest nesting that is read: the parser underneath works recursively. */
const deepest = 100;
/** Most copies that aliases may make of what they stand for. */
const mostAliases = 100;
const mostIssues = 100;

/**
 * Parses YAML 1.2 (core schema) or strict JSON. Refused, as issues: duplicate keys, keys that are not text, `__proto__`,
 * merge keys, tags of other types, several documents, aliases that multiply or contain themselves, deep nesting.
 */
export function parseSource(text: string, form: "yaml" | "json"): FileSource {
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const refuse = (found: readonly Found[]): FileSource => ({
    value: undefined,
    issues: found.slice(0, mostIssues).map(({ offset, ...rest }) => ({ ...rest, ...at(offset) })),
    placeOf: () => at(0),
  });
  const { documents, tooDeep } = compose(text, lines);
  if (tooDeep !== undefined) {
    return refuse([
      found("too-deep", tooDeep, `It is nested more than ${deepest} levels deep.`, "Make it flatter."),
    ]);
  }
  if (form === "json") {
    const wrong = jsonError(text);
    if (wrong !== undefined) return refuse([wrong]);
  }
  const [document, second] = documents;
  if (document === undefined || document.contents === null) {
    return refuse([found("empty-file", 0, "The file holds nothing.", "Write a DAG: name and nodes.")]);
  }
  const problems = [...(form === "yaml" ? syntaxErrors(document) : []), ...structureErrors(document)];
  if (second !== undefined) {
    const offset = second.range?.[0] ?? 0;
    problems.push(
      found(
        "several-documents",
        offset,
        "The file holds several YAML documents.",
        "Keep one, and remove the --- line.",
      ),
    );
  }
  if (problems.length > 0) return refuse(problems);
  try {
    const value: unknown = form === "json" ? JSON.parse(text) : document.toJS({ maxAliasCount: mostAliases });
    return { value, issues: [], placeOf: (steps) => at(offsetOf(document, steps)) };
  } catch {
    return refuse([
      found(
        "too-many-aliases",
        0,
        "Its aliases stand for more than the file may hold.",
        "Write the values out.",
      ),
    ]);
  }
}

interface Found extends DagIssue {
  readonly offset: number;
}

function found(code: string, offset: number, message: string, hint: string, path = ""): Found {
  return { ...issue(code, path, message, hint), offset };
}

/** Composes the text's documents; stops at nesting that is too deep, before anything recursive sees it. */
function compose(text: string, lines: LineCounter): { documents: Document.Parsed[]; tooDeep?: number } {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const tokens = [];
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > deepest) return { documents: [], tooDeep: offset };
    offset = parser.offset;
  }
  for (const token of parser.end()) tokens.push(token);
  // Duplicate keys are looked for below, in linear time.
  const composer = new Composer({
    version: "1.2",
    schema: "core",
    merge: false,
    uniqueKeys: false,
    logLevel: "silent",
  });
  return { documents: [...composer.compose(tokens, true, text.length)] as Document.Parsed[] };
}

function syntaxErrors(document: Document.Parsed): Found[] {
  return [
    ...document.errors.map(({ message, pos }) =>
      found("bad-yaml", pos[0], `${message}.`, "Correct the YAML."),
    ),
    ...document.warnings.map(({ message, pos }) => found("bad-yaml", pos[0], `${message}.`, plainHint)),
  ];
}

/** What is YAML but not plain data. */
function structureErrors(document: Document.Parsed): Found[] {
  const problems: Found[] = [];
  let aliases = 0;
  const checkTag = (_: unknown, node: { tag?: string; range?: readonly number[] | null }) => {
    if (node.tag === undefined || plainTags.has(node.tag)) return;
    problems.push(found("bad-tag", node.range?.[0] ?? 0, `The tag ${node.tag} is not allowed.`, plainHint));
  };
  visit(document, {
    Scalar: checkTag,
    Seq: checkTag,
    Map(_, map) {
      checkTag(_, map);
      const keys = new Set<string>();
      for (const { key } of map.items) {
        const offset = offsetOfNode(key);
        if (!isScalar(key) || typeof key.value !== "string") {
          const shown = isScalar(key) ? showValue(key.value) : "a collection";
          problems.push(
            found("bad-key", offset, `A key has to be text, but is ${shown}.`, "Put the key in quotes."),
          );
          continue;
        }
        const { value } = key;
        if (keys.has(value))
          problems.push(
            found("duplicate-key", offset, `The key ${showValue(value)} stands here twice.`, "Keep one."),
          );
        keys.add(value);
        if (value === "__proto__")
          problems.push(
            found("bad-key", offset, "The key __proto__ is not allowed.", "Choose another name."),
          );
        if (value === "<<")
          problems.push(
            found("bad-key", offset, "Merge keys (<<) are not allowed.", "Write the fields out."),
          );
      }
    },
    Alias(_, alias, path) {
      const offset = alias.range?.[0] ?? 0;
      if (++aliases > mostAliases) {
        problems.push(
          found(
            "too-many-aliases",
            offset,
            `There are more than ${mostAliases} aliases.`,
            "Write the values out.",
          ),
        );
        return visit.BREAK;
      }
      const target = alias.resolve(document);
      if (target === undefined) {
        problems.push(
          found(
            "bad-alias",
            offset,
            `There is no anchor "${alias.source}" before this.`,
            `Define &${alias.source} first.`,
          ),
        );
      } else if (path.includes(target)) {
        problems.push(
          found("bad-alias", offset, `"${alias.source}" contains itself.`, "Write the value out."),
        );
      }
    },
  });
  return problems;
}

const plainHint = "Leave tags out: a file holds plain data.";
const plainTags = new Set(
  ["map", "seq", "str", "int", "float", "bool", "null"].map((name) => `tag:yaml.org,2002:${name}`),
);

function offsetOfNode(node: unknown): number {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}

function offsetOf(document: Document.Parsed, steps: readonly (string | number)[]): number {
  let node: Node | null | undefined = document.contents;
  let offset = offsetOfNode(node);
  for (const step of steps) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined) break;
      offset = offsetOfNode(pair.key);
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | undefined;
      if (item === undefined) break;
      offset = offsetOfNode(item);
      node = item;
    } else break;
  }
  return offset;
}

function jsonError(text: string): Found | undefined {
  const error = jsonParseError(text);
  if (error === undefined) return undefined;
  const reason = error.message
    .replace(/ in JSON at position.*$| is not valid JSON$/s, "")
    .replace(/, ("|\.\.\.).*$/s, "");
  const hint = "Correct the JSON; comments and trailing commas are not part of it.";
  return found("bad-json", error.position ?? endOfRight(text), `It is not JSON: ${reason}.`, hint);
}

/** Length of the longest beginning of the text that only lacks its end, for messages that do not say where. */
function endOfRight(text: string): number {
  let right = 0;
  let beyond = text.length + 1;
  while (beyond - right > 1) {
    const middle = Math.floor((right + beyond) / 2);
    const error = jsonParseError(text.slice(0, middle));
    const lacksEnd =
      error === undefined || error.position === middle || error.message.includes("end of JSON input");
    if (lacksEnd) right = middle;
    else beyond = middle;
  }
  return right;
}

function jsonParseError(text: string): { message: string; position: number | undefined } | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    const position = / at position (\d+)/.exec(message)?.[1];
    return { message, position: position === undefined ? undefined : Number(position) };
  }
}
