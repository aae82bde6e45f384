import type { DagIssue } from "../errors.js";
import { validateChoice } from "./bounds.js";
import { nearest } from "./did-you-mean.js";
import { type Fields, isObject, isPlainObject, issue, pathTo, showValue, unknownKeys } from "./issue.js";
import { validateModel, validateModelOptions, validateTool, validateTools } from "./model-rules.js";
import { validateSchema } from "./schema-rules.js";
import { kindsStated, type NodeKind } from "./shape.js";

/** Names that a node must not have: LangGraph channels, planner parts and keys of the run's state use them. */
export const reservedNames: readonly string[] = ["input", "outcomes", "output", "planner", "tools", "joiner"];

/** What every object has: as names they would be found where nothing was put. */
export const objectNames: readonly string[] = Object.getOwnPropertyNames(Object.prototype).filter((name) =>
  /^[A-Za-z]/.test(name),
);

/** What a node's name looks like: letters, marks and digits of any script, `_` and `-`, counted in code points. */
export const namePattern = /^\p{L}[\p{L}\p{M}\p{Nd}_-]{0,63}$/u;

/** Which kinds of node each field belongs to. */
export const fieldKinds: Readonly<Record<string, readonly NodeKind[]>> = {
  instructions: ["agent"],
  run: ["function"],
  tool: ["tool"],
  dag: ["graph"],
  approve: ["approval"],
  repeat: ["graph"],
  runnable: ["runnable"],
  output: ["agent", "function", "tool", "runnable"],
  model: ["agent"],
  modelOptions: ["agent"],
  tools: ["agent"],
  include: ["agent"],
  args: ["tool"],
  input: ["graph", "runnable"],
};
const commonFields = ["description", "needs", "join", "when", "forEach", "policy"];
const nodeFields = [...Object.keys(fieldKinds), ...commonFields];

/** Issues of a node's name. */
export function validateName(name: string, path: string): DagIssue[] {
  if (reservedNames.includes(name)) {
    return [
      issue(
        "reserved-name",
        path,
        `"${name}" is a reserved name.`,
        `Choose a name other than ${reservedNames.join(", ")}.`,
      ),
    ];
  }
  if (objectNames.includes(name)) {
    return [
      issue(
        "reserved-name",
        path,
        `"${name}" is a reserved name: every object has it.`,
        "Choose another name.",
      ),
    ];
  }
  if (namePattern.test(name)) return [];
  const hint = "Use 1 to 64 letters and digits of any script, _ or -, beginning with a letter.";
  return [issue("bad-name", path, `${showValue(name)} cannot be a node's name.`, hint)];
}

/** Issues of what a node is: its kind, the fields that go with it and their types. Needs and references are not looked at. */
export function validateKind(name: string, node: Fields, path: string): DagIssue[] {
  const kinds = kindsStated(node);
  const issues = unknownKeys(node, nodeFields, path);
  const [kind] = kinds;
  if (kind === undefined) {
    const text = `Node "${name}" has no kind.`;
    issues.push(
      issue(
        "no-kind",
        path,
        text,
        `Give it one of instructions, run, tool, dag, approve or runnable.${misspelt(node)}`,
      ),
    );
  } else if (kinds.length > 1) {
    const text = `Node "${name}" has ${kinds.length} kinds: ${kinds.join(", ")}.`;
    issues.push(
      issue("several-kinds", path, text, "Keep one of instructions, run, tool, dag, approve and runnable."),
    );
  } else issues.push(...validateFieldsOf(kind, name, node, path));
  return [...issues, ...validateFields(node, path)];
}

function misspelt(node: Fields): string {
  const kindKeys = ["instructions", "run", "tool", "dag", "approve", "runnable"];
  const found = Object.keys(node).find(
    (key) => nearest(key, kindKeys) !== undefined && !nodeFields.includes(key),
  );
  return found === undefined ? "" : ` "${found}" may be misspelt.`;
}

function validateFieldsOf(kind: NodeKind, name: string, node: Fields, path: string): DagIssue[] {
  return Object.entries(fieldKinds)
    .filter(([field, kinds]) => node[field] !== undefined && !kinds.includes(kind))
    .map(([field, kinds]) => {
      const text = `Node "${name}" is of kind ${kind}, to which ${field} does not belong.`;
      return issue(
        "wrong-kind",
        pathTo(path, field),
        text,
        `Remove it: ${field} is for ${kinds.join(" and ")} nodes.`,
      );
    });
}

function validateFields(node: Fields, path: string): DagIssue[] {
  const { instructions, run, tool, approve, description } = node;
  const at = (field: string) => pathTo(path, field);
  const issues: DagIssue[] = [];
  if (instructions !== undefined && typeof instructions !== "function" && !isText(instructions)) {
    issues.push(
      issue(
        "bad-instructions",
        at("instructions"),
        `instructions has to be text, but is ${showValue(instructions)}.`,
        "Say what the agent is to do.",
      ),
    );
  }
  if (run !== undefined && typeof run !== "function") {
    issues.push(
      issue(
        "bad-run",
        at("run"),
        `run has to be a function, but is ${showValue(run)}.`,
        "Write the function in TypeScript; a file cannot hold one.",
      ),
    );
  }
  if (
    node.runnable !== undefined &&
    !(isObject(node.runnable) && typeof node.runnable.invoke === "function")
  ) {
    const message = `${showValue(node.runnable)} is not a runnable.`;
    const hint = "Give a LangChain runnable, an agent or a compiled LangGraph (TypeScript only).";
    issues.push(issue("bad-runnable", at("runnable"), message, hint));
  }
  if (approve !== undefined) issues.push(...validateApprove(approve, at("approve")));
  if (description !== undefined && typeof description !== "string") {
    issues.push(
      issue(
        "bad-value",
        at("description"),
        `description has to be text, but is ${showValue(description)}.`,
        "Write it as text.",
      ),
    );
  }
  return [
    ...issues,
    ...(tool === undefined ? [] : validateTool(tool, at("tool"))),
    ...validateSchema(node.output, at("output"), { sent: instructions !== undefined }),
    ...validateModel(node.model, at("model")),
    ...validateModelOptions(node.modelOptions, at("modelOptions")),
    ...validateTools(node.tools, at("tools")),
    ...validateChoice(node.include, at("include"), ["input", "needs", "both"]),
  ];
}

function validateApprove(approve: unknown, path: string): DagIssue[] {
  if (!isPlainObject(approve) || !isText(approve.message)) {
    return [
      issue("bad-approve", path, "An approval has to say what it asks.", 'Write approve: { message: "…" }.'),
    ];
  }
  return unknownKeys(approve, ["message", "show"], path);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}
