import { excerpt } from "../../src/spec/issue.js";
import { isJoin, isUnnumbered, type PlanPiece, readArgs, readHead } from "./plan-line.js";

/** Reads a plan while it streams; chunks may be cut anywhere. */
export interface PlanReader {
  /** What the chunk completed, in order. A call is complete at its closing parenthesis. */
  add(chunk: string): PlanPiece[];
  /** What the end of the text completes: a last line without a line break, or a line that was cut off. */
  end(): PlanPiece[];
}

/** Longest line that is read, in characters. */
const maxLineLength = 20_000;

/** A reader at the start of a plan. Lines that are not calls (prose, fences, blank lines) give nothing. */
export function createPlanReader(): PlanReader {
  let line = newLine();

  const read = (char: string, pieces: PlanPiece[]) => {
    if (char === "\n" || char === "\r") {
      pieces.push(...endOfLine(line));
      line = newLine();
      return;
    }
    if (line.stage === "done") return;
    if (line.text.length >= maxLineLength) {
      if (line.stage === "args") pieces.push(broken("line-too-long", line, tooLong));
      line.stage = "done";
      return;
    }
    line.text += char;
    if (line.stage === "head") beginCall(line, char);
    else if (closesCall(line, char)) {
      pieces.push(callOf(line));
      line.stage = "done";
    }
  };

  return {
    add(chunk) {
      const pieces: PlanPiece[] = [];
      for (const char of chunk.split("")) read(char, pieces);
      return pieces;
    },
    end() {
      const pieces = endOfLine(line);
      line = newLine();
      return pieces;
    },
  };
}

const tooLong = `The line is longer than ${maxLineLength} characters.`;

/** A line that is being read: its head up to `(`, its arguments up to the matching `)`, or what follows. */
interface OpenLine {
  text: string;
  stage: "head" | "args" | "done";
  argsFrom: number;
  depth: number;
  inString: boolean;
  escaped: boolean;
}

function newLine(): OpenLine {
  return { text: "", stage: "head", argsFrom: 0, depth: 0, inString: false, escaped: false };
}

function beginCall(line: OpenLine, char: string): void {
  if (char !== "(") return;
  // `join()` is read as a whole line.
  const head = readHead(line.text);
  if (head === null || head.node === "join") return;
  line.stage = "args";
  line.argsFrom = line.text.length;
  line.depth = 1;
}

function closesCall(line: OpenLine, char: string): boolean {
  if (line.inString) {
    if (line.escaped) line.escaped = false;
    else if (char === "\\") line.escaped = true;
    else if (char === '"') line.inString = false;
    return false;
  }
  if (char === '"') line.inString = true;
  else if (char === "(" || char === "[" || char === "{") line.depth++;
  else if (char === ")" || char === "]" || char === "}") line.depth--;
  return line.depth === 0;
}

function callOf(line: OpenLine): PlanPiece {
  const text = line.text.trim();
  const head = readHead(line.text.slice(0, line.argsFrom));
  if (!line.text.endsWith(")")) return broken("bad-arguments", line, "The brackets do not match.");
  try {
    const args = readArgs(line.text.slice(line.argsFrom, -1));
    return { piece: "call", number: head?.number ?? 0, node: head?.node ?? "", args, text };
  } catch (error) {
    return broken("bad-arguments", line, error instanceof Error ? error.message : String(error));
  }
}

function endOfLine(line: OpenLine): PlanPiece[] {
  if (line.stage === "args") {
    return [broken("truncated-line", line, "The line ends before its closing parenthesis.")];
  }
  if (line.stage === "done") return [];
  const text = line.text.trim();
  if (isJoin(text)) return [{ piece: "join", text }];
  // A numbered line that stops within a name, or a join that stops within its parentheses, was cut off.
  if (/^\$?\d{1,6}[.):]\s*\p{L}[\p{L}\p{M}\p{Nd}_-]*(\s*\(\s*)?$/u.test(text) || /^join\s*\(?$/.test(text)) {
    return [broken("truncated-line", line, "The line ends before its closing parenthesis.")];
  }
  if (isUnnumbered(text)) {
    return [broken("no-number", line, "It is a call without a number, from 1 to 999999, before it.")];
  }
  return [];
}

function broken(code: string, line: OpenLine, message: string): PlanPiece {
  const text = line.text.trim();
  return { piece: "broken", code, text: excerpt(text, 200), message };
}
