import type { DagIssue } from "../errors.js";
import { assertValid } from "./assert-valid.js";
import { canonicalJson } from "./canonical.js";
import { type Fields, isPlainObject, issue, pathTo } from "./issue.js";
import { joinRule, nodeOf, orderOf } from "./order.js";
import { referencesIn } from "./reference.js";
import type { DagSpec, Node } from "./shape.js";

/**
 * What a valid spec may not mean, in the spec's order, inner DAGs included; nothing of it keeps the spec from running:
 * - `never-runs`: a node whose join waits for needs that exclude each other, or whose `when` asks for what its join excludes;
 * - `path-into-text`: a reference with a path into the text of an agent, or a map over it.
 */
export function warningsOf(spec: DagSpec, path = ""): DagIssue[] {
  assertValid(spec);
  const conditions = new Map<string, Conditions>();
  for (const name of orderOf(spec).topological) conditions.set(name, conditionsOf(spec, name, conditions));
  return Object.entries(spec.nodes).flatMap(([name, node]) => {
    const at = pathTo(pathTo(path, "nodes"), name);
    return [
      ...neverRuns(name, conditions.get(name), at),
      ...pathsIntoText(spec, node, at),
      ...(node.dag === undefined ? [] : warningsOf(node.dag, pathTo(at, "dag"))),
    ];
  });
}

/** One test that holds whenever a node runs. */
interface Atom {
  /** The node whose `when` states it. */
  readonly by: string;
  /** What it is about: a reference, or a node's state. */
  readonly about: string;
  readonly test: Fields;
  /** The same for equal tests of the same thing. */
  readonly key: string;
}

function atomOf(by: string, about: string, test: Fields): Atom {
  return { by, about, test, key: `${about} ${canonicalJson(test)}` };
}

interface Conditions {
  /** What holds whenever the node runs. */
  readonly atoms: readonly Atom[];
  /** Two of them that cannot hold together, stated at this node or first met here. */
  readonly conflict: readonly [Atom, Atom] | null;
  /** Whether the node can never run, for its own reason or for a need's. */
  readonly never: boolean;
}

/** More conditions than this above one node are not told apart. */
const mostAtoms = 50;

function conditionsOf(spec: DagSpec, name: string, known: ReadonlyMap<string, Conditions>): Conditions {
  const node = nodeOf(spec, name);
  const needs = node.needs ?? [];
  const { rule, atLeast } = joinRule(node.join);
  const certain = rule === "all" || (rule === "count" && atLeast >= needs.length) ? needs : [];
  const above = certain.flatMap((need) => known.get(need)?.atoms ?? []);
  const completed = certain.map((need) => atomOf(name, `the state of "${need}"`, { in: ["completed"] }));
  const own = isPlainObject(node.when) ? atomsOf(node.when, name) : [];
  const atoms = [...new Map([...above, ...own].map((atom) => [atom.key, atom])).values()].slice(0, mostAtoms);
  const never = certain.some((need) => known.get(need)?.never === true);
  const conflict = never ? null : firstConflict([...atoms, ...completed]);
  return { atoms, conflict, never: never || conflict !== null };
}

/** The tests of a condition that hold whenever the whole does. */
function atomsOf(when: Fields, by: string): Atom[] {
  if (Array.isArray(when.all))
    return when.all.flatMap((part) => (isPlainObject(part) ? atomsOf(part, by) : []));
  if (Array.isArray(when.any)) {
    const [only] = when.any;
    return when.any.length === 1 && isPlainObject(only) ? atomsOf(only, by) : [];
  }
  if (when.not !== undefined) return isPlainObject(when.not) ? negatedAtoms(when.not, by) : [];
  if (when.state !== undefined) {
    const states = Array.isArray(when.state) ? when.state : [when.state];
    return [atomOf(by, `the state of "${String(when.node)}"`, { in: states })];
  }
  const { node, input, item: _, path, ...test } = when;
  const root = input === true ? "the input" : `"${String(node)}"`;
  return [atomOf(by, path === undefined ? root : `${root}.${String(path)}`, test)];
}

/** The tests that hold whenever a condition does not: none of `any` holds, and of `all` only one alone says which. */
function negatedAtoms(when: Fields, by: string): Atom[] {
  if (when.not !== undefined) return isPlainObject(when.not) ? atomsOf(when.not, by) : [];
  const parts = Array.isArray(when.any) ? when.any : when.all;
  if (Array.isArray(parts)) {
    if (parts === when.all && parts.length !== 1) return [];
    return parts.flatMap((part) => (isPlainObject(part) ? negatedAtoms(part, by) : []));
  }
  return atomsOf(when, by).map(({ about, test }) => atomOf(by, about, { not: test }));
}

function firstConflict(atoms: readonly Atom[]): readonly [Atom, Atom] | null {
  const groups = new Map<string, Atom[]>();
  for (const atom of atoms) {
    const group = groups.get(atom.about) ?? [];
    const other = group.find((one) => excludes(one.test, atom.test));
    if (other !== undefined) return [other, atom];
    groups.set(atom.about, [...group, atom]);
  }
  return null;
}

/** Whether no value passes both tests. */
function excludes(a: Fields, b: Fields): boolean {
  if (isPlainObject(a.not)) return !isPlainObject(b.not) && implies(b, a.not);
  if (isPlainObject(b.not)) return implies(a, b.not);
  const [listA, listB] = [listed(a), listed(b)];
  if (listA !== null) return !listA.some((value) => passes(value, b));
  if (listB !== null) return !listB.some((value) => passes(value, a));
  const isNumber = (test: Fields) => test.gt !== undefined || test.lt !== undefined;
  if (a.exists === false) return b.exists === true || isNumber(b);
  if (b.exists === false) return a.exists === true || isNumber(a);
  const above = Math.max(...[a.gt, b.gt].filter((bound) => typeof bound === "number"));
  const below = Math.min(...[a.lt, b.lt].filter((bound) => typeof bound === "number"));
  return above >= below;
}

/** Whether each value that passes the one test is known to pass the other. */
function implies(a: Fields, b: Fields): boolean {
  const list = listed(a);
  return list === null ? canonicalJson(a) === canonicalJson(b) : list.every((value) => passes(value, b));
}

function listed(test: Fields): readonly unknown[] | null {
  if (Object.hasOwn(test, "equals")) return [test.equals];
  return Array.isArray(test.in) ? test.in : null;
}

function passes(value: unknown, test: Fields): boolean {
  const list = listed(test);
  if (list !== null) return list.some((one) => canonicalJson(one) === canonicalJson(value));
  if (test.exists !== undefined) return (value !== null && value !== undefined) === test.exists;
  if (typeof value !== "number") return test.gt === undefined && test.lt === undefined;
  return (
    !(typeof test.gt === "number" && value <= test.gt) && !(typeof test.lt === "number" && value >= test.lt)
  );
}

function neverRuns(name: string, conditions: Conditions | undefined, at: string): DagIssue[] {
  if (conditions?.conflict == null) return [];
  const [a, b] = conditions.conflict;
  const text = `Node "${name}" can never run: ${sentence(a, name)}, and ${sentence(b, name)}.`;
  const stated = [a, b].some(({ by, test }) => by === name && !isJoin(test));
  const hint = [a, b].some(({ by, test }) => by === name && isJoin(test))
    ? 'Use join: "settled", so that it runs whatever became of its needs.'
    : 'Use join: "any" or "settled" where one of several branches is enough, or correct the conditions.';
  return [issue("never-runs", pathTo(at, stated ? "when" : "join"), text, hint)];
}

const isJoin = (test: Fields) => Array.isArray(test.in) && test.in.length === 1 && test.in[0] === "completed";

function sentence({ by, about, test }: Atom, name: string): string {
  if (by === name && isJoin(test)) return `its join waits until ${about} is completed`;
  const [not, stated] = isPlainObject(test.not) ? [" not", test.not] : ["", test];
  const states = Object.entries(stated).map(
    ([key, value]) => `${wordOf(key).replace(/^is\b/, `is${not}`)} ${JSON.stringify(value)}`,
  );
  return `${by === name ? "its `when`" : `"${by}", which its join waits for,`} asks that ${about} ${states.join(" and ")}`;
}

const words: Readonly<Record<string, string>> = {
  equals: "is",
  in: "is one of",
  gt: "is above",
  lt: "is below",
};
const wordOf = (key: string) => words[key] ?? key;

/** References that look for fields or items in the text of an agent. */
function pathsIntoText(spec: DagSpec, node: Node, at: string): DagIssue[] {
  const { when, forEach, args, input }: Fields = { ...node };
  const items = isPlainObject(forEach) && isPlainObject(forEach.items) ? forEach.items : forEach;
  const inItems = isPlainObject(items) && textOf(spec, items.node) ? [{ ...items, field: "forEach" }] : [];
  const others = [
    ...(isPlainObject(when) ? partsOf(when).map((reference) => ({ reference, field: "when" })) : []),
    ...referencesIn(args).map(({ reference }) => ({ reference, field: "args" })),
    ...referencesIn(input).map(({ reference }) => ({ reference, field: "input" })),
  ];
  const lost = [
    ...inItems,
    ...others.flatMap(({ reference, field }) =>
      isPlainObject(reference) && reference.path !== undefined && textOf(spec, reference.node)
        ? [{ ...reference, field }]
        : [],
    ),
  ] as { readonly node: string; readonly path?: string; readonly field: string }[];
  return lost.map(({ node: agent, path, field }) => {
    const what = path === undefined ? "items" : `"${path}"`;
    const text = `"${agent}" gives a text, which has no ${what}.`;
    return issue("path-into-text", pathTo(at, field), text, `Give "${agent}" an output schema that has it.`);
  });
}

function partsOf(when: Fields): Fields[] {
  const parts = [when.all, when.any]
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .concat(when.not ?? []);
  return parts.length === 0 ? [when] : parts.flatMap((part) => (isPlainObject(part) ? partsOf(part) : []));
}

function textOf(spec: DagSpec, name: unknown): boolean {
  const node = typeof name === "string" && Object.hasOwn(spec.nodes, name) ? spec.nodes[name] : undefined;
  return node?.instructions !== undefined && node.output === undefined && node.forEach === undefined;
}
