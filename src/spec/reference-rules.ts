import type { DagIssue } from "../errors.js";
import { validateChoice, validateNumber } from "./bounds.js";
import { didYouMean } from "./did-you-mean.js";
import { type Fields, isPlainObject, issue, pathTo, showValue, unknownKeys } from "./issue.js";
import { type KnownValues, validateIsArray, validateReachable, validateReferencePath } from "./path-rules.js";
import { referencesIn } from "./reference.js";
import { validateArrayField } from "./schema-rules.js";

/** What a reference at a node may point at. */
export interface ReferenceFacts {
  /** The node that holds the reference; empty where none does: in the `until` of a loop. */
  readonly name: string;
  /** Its needs. */
  readonly needs: readonly unknown[];
  /** Every declared name. */
  readonly names: readonly string[];
  /** Whether there is an item at this place. */
  readonly item: boolean;
  /** Whether there is a round before this one: the input of a graph node with `repeat`. @default false */
  readonly loop?: boolean;
  readonly values: KnownValues;
}

const referenceKeys = ["node", "input", "item", "path"];
const tests = ["equals", "in", "gt", "lt", "exists"];
const forms = "Use { node, path? }, { input: true, path? } or { item: true, path? }.";

/** Issues of one reference; keys in `more` belong to what holds it. */
export function validateReference(
  reference: unknown,
  path: string,
  facts: ReferenceFacts,
  more: readonly string[] = [],
): DagIssue[] {
  if (!isPlainObject(reference))
    return [issue("bad-reference", path, `${showValue(reference)} is not a reference.`, forms)];
  const { node, input, item } = reference;
  if ("previous" in reference || "round" in reference) return validateLoopReference(reference, path, facts);
  const issues = [
    ...unknownKeys(reference, [...referenceKeys, ...more], path),
    ...validatePath(reference.path, pathTo(path, "path")),
  ];
  const roots = ["node", "input", "item"].filter((key) => reference[key] !== undefined);
  if (roots.length !== 1) {
    const which = roots.length === 0 ? "nothing" : roots.join(" and ");
    return [...issues, issue("bad-reference", path, `The reference points at ${which}.`, forms)];
  }
  if (node !== undefined) issues.push(...validateTarget(node, pathTo(path, "node"), facts));
  if (issues.length === 0) issues.push(...validateReferencePath(reference, path, facts.values));
  for (const key of ["input", "item"] as const) {
    if (reference[key] === undefined || reference[key] === true) continue;
    issues.push(
      issue(
        "bad-reference",
        pathTo(path, key),
        `${key} has to be true, but is ${showValue(reference[key])}.`,
        `Write { ${key}: true, path: "…" }.`,
      ),
    );
  }
  if (item === true && input === undefined && !facts.item) {
    issues.push(
      issue(
        "no-item",
        pathTo(path, "item"),
        "There is no item here.",
        "Only what runs under forEach has one; when and forEach are decided before.",
      ),
    );
  }
  return issues;
}

/** `{ previous: true, path? }` and `{ round: true }`, which only the input of a loop has. */
function validateLoopReference(reference: Fields, path: string, { loop }: ReferenceFacts): DagIssue[] {
  const key = "previous" in reference ? "previous" : "round";
  if (!loop) {
    const hint = "It stands in the `input` of a graph node with `repeat`.";
    return [issue("no-loop", pathTo(path, key), `There is no ${key} here.`, hint)];
  }
  const issues = unknownKeys(reference, key === "previous" ? ["previous", "path"] : ["round"], path);
  if (reference[key] !== true) {
    const message = `${key} has to be true, but is ${showValue(reference[key])}.`;
    issues.push(issue("bad-reference", pathTo(path, key), message, `Write { ${key}: true }.`));
  }
  return [...issues, ...validatePath(reference.path, pathTo(path, "path"))];
}

function validateTarget(node: unknown, path: string, { name, needs, names }: ReferenceFacts): DagIssue[] {
  if (typeof node !== "string")
    return [
      issue("bad-reference", path, `${showValue(node)} is not a node's name.`, "Write the name as text."),
    ];
  if (needs.includes(node)) return []; // an unknown need has an issue of its own
  if (names.includes(node) && node !== name) {
    const message = `Node "${name}" refers to "${node}", which is not among its needs.`;
    return [issue("reference-not-needed", path, message, `Add "${node}" to its needs.`)];
  }
  const who = name === "" ? "The condition" : `Node "${name}"`;
  const message =
    node === name
      ? `Node "${name}" refers to itself.`
      : `${who} refers to ${showValue(node)}, which is not declared.`;
  const candidates =
    needs.length > 0 ? needs.filter((need): need is string => typeof need === "string") : names;
  return [
    issue(
      "unknown-reference",
      path,
      message,
      didYouMean(
        node,
        candidates.filter((other) => other !== name),
      ),
    ),
  ];
}

function validatePath(path: unknown, at: string): DagIssue[] {
  if (path === undefined || (typeof path === "string" && path.split(".").every((step) => step !== "")))
    return [];
  return [
    issue(
      "bad-reference",
      at,
      `${showValue(path)} is not a path.`,
      'Write dotted steps such as "items.0.name".',
    ),
  ];
}

const conditionForms =
  "Write { node | input, path?, and one of equals, in, gt, lt, exists }, { node, state }, { all: […] }, { any: […] } or { not: … }.";

/** Issues of a node's `when`. */
export function validateWhen(when: unknown, path: string, facts: ReferenceFacts): DagIssue[] {
  if (when === undefined || typeof when === "function") return [];
  return validateCondition(when, path, { ...facts, item: false }, 0);
}

/** Issues of a condition as data, at any depth up to 20. */
export function validateCondition(
  when: unknown,
  path: string,
  facts: ReferenceFacts,
  depth: number,
): DagIssue[] {
  if (!isPlainObject(when) || depth > 20)
    return [issue("bad-when", path, `${showValue(when)} is not a condition.`, conditionForms)];
  for (const key of ["all", "any"] as const) {
    const parts = when[key];
    if (parts === undefined) continue;
    if (!Array.isArray(parts) || parts.length === 0) {
      const message = `${key} has to be a list of conditions, but is ${showValue(parts)}.`;
      return [issue("bad-when", pathTo(path, key), message, "List at least one condition.")];
    }
    return [
      ...unknownKeys(when, [key], path),
      ...parts.flatMap((part, index) =>
        validateCondition(part, pathTo(pathTo(path, key), index), facts, depth + 1),
      ),
    ];
  }
  if (when.not !== undefined) {
    const inner = validateCondition(when.not, pathTo(path, "not"), facts, depth + 1);
    return [...unknownKeys(when, ["not"], path), ...inner];
  }
  return when.state === undefined ? validateTest(when, path, facts) : validateStates(when, path, facts);
}

const states = ["completed", "failed", "timed-out", "skipped", "cancelled"];

function validateStates(when: Fields, path: string, facts: ReferenceFacts): DagIssue[] {
  const { node, state } = when;
  const wanted = Array.isArray(state) ? state : [state];
  const at = pathTo(path, "state");
  const issues = unknownKeys(when, ["node", "state"], path);
  if (node === undefined) {
    issues.push(
      issue("bad-when", path, "A state is that of a node.", 'Write { node: "…", state: "failed" }.'),
    );
  } else issues.push(...validateTarget(node, pathTo(path, "node"), facts));
  if (wanted.length === 0) issues.push(issue("bad-when", at, "No state is listed.", "List at least one."));
  for (const one of wanted) {
    if (typeof one === "string" && states.includes(one)) continue;
    const hint = typeof one === "string" ? didYouMean(one, states) : `Use one of ${states.join(", ")}.`;
    issues.push(issue("unknown-state", at, `${showValue(one)} is not a state that a node settles in.`, hint));
  }
  return issues;
}

function validateTest(when: Fields, path: string, facts: ReferenceFacts): DagIssue[] {
  const issues = validateReference(when, path, facts, tests);
  const stated = tests.filter(
    (test) => when[test] !== undefined || (test === "equals" && Object.hasOwn(when, test)),
  );
  if (stated.length !== 1) {
    const which = stated.length === 0 ? "no test" : `${stated.length} tests (${stated.join(", ")})`;
    issues.push(
      issue(
        "bad-when",
        path,
        `The condition states ${which}.`,
        "State exactly one of equals, in, gt, lt, exists.",
      ),
    );
  }
  if (issues.length === 0) issues.push(...validateReachable(when, path, facts.values));
  return [...issues, ...validateTests(when, path)];
}

function validateTests(when: Fields, path: string): DagIssue[] {
  const issues: DagIssue[] = [
    ...validateNumber(when.gt, pathTo(path, "gt"), {}),
    ...validateNumber(when.lt, pathTo(path, "lt"), {}),
  ];
  if (when.in !== undefined && !(Array.isArray(when.in) && when.in.length > 0)) {
    issues.push(
      issue(
        "bad-when",
        pathTo(path, "in"),
        `in has to be a list of values, but is ${showValue(when.in)}.`,
        "List at least one value.",
      ),
    );
  }
  if (when.exists !== undefined && typeof when.exists !== "boolean") {
    issues.push(
      issue(
        "bad-when",
        pathTo(path, "exists"),
        `exists has to be true or false, but is ${showValue(when.exists)}.`,
        "Use true or false.",
      ),
    );
  }
  return issues;
}

/** Issues of a node's `forEach`; `input` is the spec's input schema. */
export function validateForEach(
  forEach: unknown,
  path: string,
  facts: ReferenceFacts,
  input: unknown,
): DagIssue[] {
  if (forEach === undefined) return [];
  if (!isPlainObject(forEach) || forEach.items === undefined)
    return validateItems(forEach, path, facts, input);
  return [
    ...unknownKeys(forEach, ["items", "maxConcurrency", "key", "onItemError"], path),
    ...validateChoice(forEach.onItemError, pathTo(path, "onItemError"), ["null", "omit", "fail"]),
    ...(forEach.key === undefined ? [] : validateKey(forEach.key, pathTo(path, "key"))),
    ...validateNumber(forEach.maxConcurrency, pathTo(path, "maxConcurrency"), { min: 1, integer: true }),
    ...validateItems(forEach.items, pathTo(path, "items"), facts, input),
  ];
}

function validateKey(key: unknown, path: string): DagIssue[] {
  return typeof key === "string"
    ? validatePath(key, path)
    : [
        issue(
          "bad-for-each",
          path,
          `key is ${showValue(key)}.`,
          "Name the field of an item that tells it from the others.",
        ),
      ];
}

function validateItems(items: unknown, path: string, facts: ReferenceFacts, input: unknown): DagIssue[] {
  const text = "The input is plain text, which has no items.";
  const hint = "Declare an input schema with an array field, or map over a need.";
  if (typeof items === "string") {
    if (items === "")
      return [
        issue("bad-for-each", path, "The name of the field is empty.", "Name an array field of the input."),
      ];
    if (input === undefined)
      return [
        issue(
          "bad-for-each",
          path,
          text,
          facts.names.includes(items) ? `To map over the node, write { node: "${items}" }.` : hint,
        ),
      ];
    return validateArrayField(input, items, path);
  }
  if (!isPlainObject(items)) {
    const message = `${showValue(items)} is not something to map over.`;
    return [
      issue(
        "bad-for-each",
        path,
        message,
        "Name an array field of the input, or write { node, path? } or { input: true, path? }.",
      ),
    ];
  }
  const issues = validateReference(items, path, { ...facts, item: false });
  if (issues.length === 0 && items.input !== true) issues.push(...validateIsArray(items, path, facts.values));
  if (items.input !== true) return issues;
  if (input === undefined) issues.push(issue("bad-for-each", path, text, hint));
  else if (typeof items.path === "string" && !items.path.includes("."))
    issues.push(...validateArrayField(input, items.path, path));
  return issues;
}

/** Issues of `args` or of a graph node's `input`: every `{ $ref }` inside. */
export function validateTemplate(template: unknown, path: string, facts: ReferenceFacts): DagIssue[] {
  if (template === undefined || typeof template === "function") return [];
  return referencesIn(template).flatMap(({ reference, path: inside, beside }) => {
    const at =
      inside.startsWith("[") || inside === "" || inside.startsWith(".")
        ? `${path}${inside}`
        : `${path}.${inside}`;
    const issues = validateReference(reference, at, facts);
    if (beside.length === 0) return issues;
    const message = `${beside.map((key) => showValue(key)).join(", ")} would be lost: what a $ref points at takes the whole place.`;
    return [...issues, issue("bad-reference", at, message, "Put the $ref under a key of its own.")];
  });
}

/** Most rounds of a loop. */
export const mostRounds = 100;

/** Issues of a graph node's `repeat`; `dag` is what it repeats. */
export function validateRepeat(repeat: unknown, path: string, dag: unknown): DagIssue[] {
  if (repeat === undefined) return [];
  if (!isPlainObject(repeat)) {
    const message = `repeat has to be an object, but is ${showValue(repeat)}.`;
    return [issue("bad-repeat", path, message, "Write { until, maxRounds }.")];
  }
  const { until, maxRounds, onExhausted } = repeat;
  const issues = [
    ...unknownKeys(repeat, ["until", "maxRounds", "onExhausted"], path),
    ...validateNumber(maxRounds, pathTo(path, "maxRounds"), { min: 1, max: mostRounds, integer: true }),
    ...validateChoice(onExhausted, pathTo(path, "onExhausted"), ["accept", "fail"]),
  ];
  if (maxRounds === undefined) {
    const hint = `Give an integer from 1 to ${mostRounds}: a loop has to end.`;
    issues.push(issue("bad-repeat", pathTo(path, "maxRounds"), "repeat has no maxRounds.", hint));
  }
  const at = pathTo(path, "until");
  if (until === undefined) {
    issues.push(issue("bad-repeat", at, "repeat has no until.", "Say when the rounds end."));
  } else if (typeof until !== "function") {
    const inner = isPlainObject(dag) && isPlainObject(dag.nodes) ? dag.nodes : {};
    const names = Object.keys(inner);
    const values = { nodes: inner, input: isPlainObject(dag) ? dag.input : undefined };
    issues.push(...validateCondition(until, at, { name: "", needs: names, names, item: false, values }, 0));
  }
  return issues;
}

/** Issues of what an approval shows. */
export function validateShow(approve: unknown, path: string, facts: ReferenceFacts): DagIssue[] {
  const show = isPlainObject(approve) ? approve.show : undefined;
  if (show === undefined) return [];
  if (!Array.isArray(show)) {
    const message = `show has to be a list of references, but is ${showValue(show)}.`;
    return [issue("bad-approve", path, message, forms)];
  }
  return show.flatMap((reference, index) => validateReference(reference, pathTo(path, index), facts));
}
