import type { DagIssue } from "../errors.js";
import { didYouMean } from "./did-you-mean.js";
import { validateGraphInput } from "./input-rules.js";
import { type Fields, isPlainObject, issue, pathTo, readable, showValue, unknownKeys } from "./issue.js";
import { validateJoin } from "./join-rules.js";
import { validateModel } from "./model-rules.js";
import { composedName } from "./names.js";
import { followable, validateAcyclic, validateNeeds } from "./need-rules.js";
import { validateKind, validateName } from "./node-rules.js";
import { validateNodePolicy, validatePolicy } from "./policy-rules.js";
import {
  type ReferenceFacts,
  validateForEach,
  validateRepeat,
  validateShow,
  validateTemplate,
  validateWhen,
} from "./reference-rules.js";
import { validateSchema } from "./schema-rules.js";

/** The version of the form of a spec that this package reads. */
export const specVersion = 1;

const specFields = [
  "name",
  "version",
  "description",
  "model",
  "policy",
  "input",
  "context",
  "output",
  "nodes",
];

/**
 * Every issue of a spec, in the spec's order; an empty list means that it can run. Takes any value and never throws.
 */
export function validate(spec: unknown): DagIssue[] {
  return validateDag(spec, "", { around: [], seen: new Set() });
}

interface Nesting {
  /** The DAGs that this one stands in, outermost first. */
  readonly around: readonly unknown[];
  /** DAGs that were validated: one that stands in several places is reported once. */
  readonly seen: Set<unknown>;
}

function validateDag(spec: unknown, path: string, nesting: Nesting): DagIssue[] {
  return readable(path, () => {
    if (!isPlainObject(spec)) {
      const message = `A DAG has to be an object, but this is ${showValue(spec)}.`;
      return [issue("not-a-dag", path, message, "Write { name, nodes: { … } }.")];
    }
    if (nesting.around.includes(spec)) {
      return [
        issue(
          "nested-in-itself",
          path,
          "The DAG stands inside itself.",
          "Let a graph node hold another DAG.",
        ),
      ];
    }
    if (nesting.seen.has(spec)) return [];
    nesting.seen.add(spec);
    const inner = { around: [...nesting.around, spec], seen: nesting.seen };
    const at = (field: string) => pathTo(path, field);
    return [
      ...unknownKeys(spec, specFields, path),
      ...validateHead(spec, path),
      ...readable(at("policy"), () => validatePolicy(spec.policy, at("policy"), { where: "spec" })),
      ...readable(at("input"), () => validateSchema(spec.input, at("input"))),
      ...readable(at("context"), () => validateSchema(spec.context, at("context"))),
      ...readable(at("nodes"), () => validateNodes(spec, at("nodes"), inner)),
    ];
  });
}

function validateHead(spec: Fields, path: string): DagIssue[] {
  const { name, version, description, output, nodes } = spec;
  const at = (field: string) => pathTo(path, field);
  const issues: DagIssue[] = [];
  if (typeof name !== "string" || !/^\P{Cc}{1,200}$/u.test(name) || name.trim() === "") {
    const message =
      name === undefined ? "The DAG has no name." : `${showValue(name)} cannot be the DAG's name.`;
    issues.push(issue("bad-name", at("name"), message, "Give it a name of 1 to 200 characters on one line."));
  }
  if (version !== undefined && version !== specVersion) {
    issues.push(
      issue(
        "bad-version",
        at("version"),
        `The version is ${showValue(version)}.`,
        `Use ${specVersion}, or leave it out.`,
      ),
    );
  }
  if (description !== undefined && typeof description !== "string") {
    const message = `description has to be text, but is ${showValue(description)}.`;
    issues.push(issue("bad-value", at("description"), message, "Write it as text."));
  }
  if (output !== undefined && typeof output !== "string") {
    const message = `output has to be a node's name, but is ${showValue(output)}.`;
    issues.push(
      issue(
        "bad-output",
        at("output"),
        message,
        "Name a node here; a schema of the output belongs to the node.",
      ),
    );
  } else if (output !== undefined && isPlainObject(nodes) && !Object.hasOwn(nodes, output)) {
    const message = `The output node ${showValue(output)} is not declared.`;
    issues.push(issue("unknown-output", at("output"), message, didYouMean(output, Object.keys(nodes))));
  }
  return [...issues, ...validateModel(spec.model, at("model"))];
}

function validateNodes({ nodes, input }: Fields, path: string, nesting: Nesting): DagIssue[] {
  if (!isPlainObject(nodes)) {
    const message =
      nodes === undefined
        ? "The DAG has no nodes."
        : `nodes has to be an object, but is ${showValue(nodes)}.`;
    return [issue("bad-nodes", path, message, "Write nodes: { name: { … } }.")];
  }
  const names = Object.keys(nodes);
  if (names.length === 0) return [issue("no-nodes", path, "The DAG has no nodes.", "Declare at least one.")];
  const known = new Set(names);
  const firstOf = new Map<string, string>();
  for (const name of names.toReversed()) firstOf.set(composedName(name), name);
  const issues: DagIssue[] = names.flatMap((name) => {
    const at = pathTo(path, name);
    const twin = firstOf.get(composedName(name));
    const twice = `The names ${showValue(name)} and ${showValue(twin)} are the same in Unicode's composed form.`;
    return readable(at, () => [
      ...validateName(name, at),
      ...(twin === name ? [] : [issue("same-name", at, twice, "Give one of the nodes another name.")]),
      ...validateNode({ name, node: nodes[name], nodes, names, known, input }, at, nesting),
    ]);
  });
  return [...issues, ...readable(path, () => validateCycles(nodes, names, path))];
}

interface NodeFacts {
  readonly name: string;
  readonly node: unknown;
  /** The spec's nodes. */
  readonly nodes: Fields;
  /** Every declared name. */
  readonly names: readonly string[];
  readonly known: ReadonlySet<string>;
  /** The spec's input schema. */
  readonly input: unknown;
}

function validateNode(
  { name, node, nodes, names, known, input }: NodeFacts,
  path: string,
  nesting: Nesting,
): DagIssue[] {
  if (!isPlainObject(node)) {
    return [
      issue(
        "not-a-node",
        path,
        `Node "${name}" has to be an object, but is ${showValue(node)}.`,
        "Write { instructions } or another kind.",
      ),
    ];
  }
  const at = (field: string) => pathTo(path, field);
  const needs: readonly unknown[] = Array.isArray(node.needs) ? node.needs : [];
  const values = { nodes, input };
  const facts: ReferenceFacts = { name, needs, names, item: node.forEach !== undefined, values };
  const check = (field: string, rule: (value: unknown, at: string) => DagIssue[]) =>
    readable(at(field), () => rule(node[field], at(field)));
  return [
    ...readable(path, () => validateKind(name, node, path)),
    ...check("needs", (value, here) => validateNeeds(name, value, known, here)),
    ...check("join", (value, here) => validateJoin(value, new Set(needs).size, here)),
    ...check("when", (value, here) => validateWhen(value, here, facts)),
    ...check("forEach", (value, here) => validateForEach(value, here, facts, input)),
    ...check("args", (value, here) => validateTemplate(value, here, facts)),
    ...check("input", (value, here) => {
      const issues = validateTemplate(value, here, { ...facts, loop: node.repeat !== undefined });
      const isReadable = issues.length === 0;
      return [...issues, ...validateGraphInput({ node, known: values, isReadable }, path)];
    }),
    ...check("repeat", (value, here) => validateRepeat(value, here, node.dag)),
    ...check("approve", (value, here) => validateShow(value, pathTo(here, "show"), facts)),
    ...check("policy", (value, here) => validateNodePolicy(value, here, node)),
    ...check("dag", (value, here) => (value === undefined ? [] : validateDag(value, here, nesting))),
  ];
}

function validateCycles(nodes: Fields, names: readonly string[], path: string): DagIssue[] {
  const known = new Set(names);
  const needsStated = (name: string): unknown => {
    const node = nodes[name];
    return isPlainObject(node) ? node.needs : undefined;
  };
  const needsOf = new Map(names.map((name) => [name, followable(name, needsStated(name), known)]));
  return validateAcyclic(needsOf, (name, need) => {
    const needs = needsStated(name);
    return pathTo(pathTo(pathTo(path, name), "needs"), Array.isArray(needs) ? needs.indexOf(need) : 0);
  });
}
