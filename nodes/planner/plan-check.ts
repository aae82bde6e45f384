import type { DagIssue } from "../../src/errors.js";
import { didYouMean } from "../../src/spec/did-you-mean.js";
import { excerpt } from "../../src/spec/issue.js";
import { checkAgainst } from "../../src/spec/schema.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";
import { validate } from "../../src/spec/validate.js";
import { callName, callsIn, type PlanLine, type PlanPiece } from "./plan-line.js";
import { type Callable, callableOf, maxFocusLength } from "./planner-catalogue.js";

/** A plan line that passed: what is called, with what, after which calls. */
export interface PlanCall {
  readonly number: number;
  readonly node: string;
  readonly focus?: string;
  /** A tool's arguments by name, with references to earlier calls. */
  readonly args?: Readonly<Record<string, unknown>>;
  /** Numbers of the calls whose results it is given. */
  readonly feeds: readonly number[];
  readonly text: string;
}

/** Checks the lines of one plan as they come. */
export interface PlanCheck {
  /** The line as a call, or what is wrong with it. */
  add(line: PlanLine): { readonly call: PlanCall } | { readonly issues: readonly DagIssue[] };
  /** What is wrong with the plan as a whole. */
  end(): readonly DagIssue[];
}

/**
 * A check that begins with no lines. `earlier` are the numbers of calls of earlier plans, to which a plan that goes on
 * with the numbering may refer; `left` is how many calls the plan may have. The edges of a plan are checked by the validator that checks a hand-written spec.
 */
export function createPlanCheck(
  callables: ReadonlyMap<string, Callable>,
  earlier: ReadonlySet<number>,
  left: number,
): PlanCheck {
  const nodes: Record<string, Node> = {};
  const passed = new Set<string>();
  let known: ReadonlySet<number> | undefined;

  return {
    add(line) {
      known ??= earlier.size > 0 && line.number > Math.max(...earlier) ? earlier : new Set();
      const name = callName(line.number);
      if (Object.hasOwn(nodes, name) || known.has(line.number)) {
        return fail(line, "duplicate-call", `There is already a call ${line.number}.`, "Count the lines up.");
      }
      if (Object.keys(nodes).length >= left) {
        return fail(
          line,
          "too-many-calls",
          `The plans of a run have at most ${left + earlier.size} calls (\`planner.maxCalls\`).`,
          "Call fewer nodes.",
        );
      }
      const feeds = [...new Set(line.args.flatMap((arg) => callsIn(arg.value)))];
      const node: Node = { run: () => null, needs: feeds.map(callName) };
      nodes[name] = node;

      const callable = callableOf(callables, line.node);
      if (callable === undefined) {
        const hint = didYouMean(line.node, callables.keys());
        return fail(line, "unknown-node", `There is no node "${line.node}" to call.`, hint);
      }
      const bound = bindArgs(line, callable);
      if ("problem" in bound) return fail(line, "bad-arguments", bound.problem, usageOf(callable));
      const settled = [...feeds.map(callName).filter((feed) => passed.has(feed)), ...knownNames(known)];
      const issues = edgeIssues(line, { [name]: node }, settled);
      if (issues.length > 0) return { issues };
      passed.add(name);
      return { call: { number: line.number, node: callable.name, feeds, text: line.text, ...bound } };
    },
    end() {
      const cycles = validate({ name: "plan", nodes }).filter((issue) => issue.code === "cycle");
      return cycles.map((issue) => ({ ...issue, path: "plan", message: asReferences(issue.message) }));
    },
  };
}

const knownNames = (known: ReadonlySet<number>) => [...known].map(callName);

/** A broken line as an issue. */
export function brokenIssue(piece: Extract<PlanPiece, { piece: "broken" }>): DagIssue {
  return {
    code: piece.code,
    path: `line "${piece.text}"`,
    message: piece.message,
    hint: 'Write each call on one line, as `2. name($1, "text", other=3)`.',
  };
}

function fail(line: PlanLine, code: string, message: string, hint: string) {
  return { issues: [{ code, path: `line "${shown(line.text)}"`, message, hint }] };
}

/** What the validator says of one call whose needs are calls that passed before it. */
function edgeIssues(line: PlanLine, own: Record<string, Node>, settled: readonly string[]): DagIssue[] {
  const before = Object.fromEntries(settled.map((name) => [name, { run: () => null }]));
  const spec: DagSpec = { name: "plan", nodes: { ...before, ...own } };
  return validate(spec).map((issue) => ({
    code: issue.code === "unknown-need" ? "forward-reference" : issue.code,
    path: `line "${shown(line.text)}"`,
    message:
      issue.code === "unknown-need"
        ? `It refers to a call that no valid line above it makes: ${asReferences(issue.message)}`
        : asReferences(issue.message),
    hint: "Refer only to calls on the lines above.",
  }));
}

function asReferences(message: string): string {
  return message.replace(/\bcall(\d+)\b/g, "$$$1");
}

/** Arguments as the node takes them: a focus for an agent, named arguments for a tool. References are checked later. */
function bindArgs(
  line: PlanLine,
  { node, entry, parameters }: Callable,
): { readonly problem: string } | Pick<PlanCall, "focus" | "args"> {
  const isReference = (value: unknown) => isObject(value) && "$ref" in value;
  const given: Record<string, unknown> = {};
  const positions = node.tool === undefined ? line.args.filter((arg) => !isReference(arg.value)) : line.args;
  let position = 0;
  for (const arg of positions) {
    const name = arg.name ?? entry.args[position++];
    if (name === undefined) return { problem: `${line.node} takes ${counted(entry.args.length)}.` };
    if (Object.hasOwn(given, name)) return { problem: `"${name}" is given twice.` };
    given[name] = arg.value;
  }
  if (node.tool !== undefined) {
    const problem = problemOf(given, parameters, entry.args);
    return problem === undefined ? { args: given } : { problem };
  }
  const { focus, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return { problem: `${line.node} has no argument "${unknown}".` };
  if (focus === undefined) return {};
  if (typeof focus !== "string" || !entry.args.includes("focus")) {
    return { problem: `${JSON.stringify(focus)} is not a focus: a focus is a short text.` };
  }
  if (focus.length > maxFocusLength)
    return { problem: `The focus is longer than ${maxFocusLength} characters.` };
  return { focus };
}

/** What is wrong with a tool's arguments; values that hold references are known only when the call starts. */
function problemOf(
  given: Readonly<Record<string, unknown>>,
  parameters: Callable["parameters"],
  names: readonly string[],
) {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined && parameters.additionalProperties !== true) {
    return `There is no argument "${unknown}". ${didYouMean(unknown, names)}`;
  }
  const required = Array.isArray(parameters.required) ? (parameters.required as string[]) : [];
  const missing = required.find((name) => !Object.hasOwn(given, name));
  if (missing !== undefined) return `The argument "${missing}" is missing.`;
  return Object.values(given).some((value) => callsIn(value).length > 0)
    ? undefined
    : schemaProblem(given, parameters);
}

/** What a schema says of arguments; a schema that cannot be used here says nothing, the tool checks for itself. */
export function schemaProblem(given: unknown, parameters: Callable["parameters"]): string | undefined {
  try {
    const checked = checkAgainst(parameters, given);
    return checked.ok ? undefined : checked.message.replaceAll("\n", "; ");
  } catch {
    return undefined;
  }
}

function usageOf({ entry }: Callable): string {
  return `Call it as ${entry.name}(${entry.args.join(", ")}).`;
}

const counted = (count: number) =>
  count === 0 ? "no arguments" : count === 1 ? "at most 1 argument" : `at most ${count} arguments`;

const shown = (text: string) => excerpt(text, 120);

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
