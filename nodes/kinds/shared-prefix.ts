import type { ModelRequest } from "../../src/models/port.js";
import { declaredPath } from "../../src/records/work-id.js";
import { hashOf } from "../../src/spec/canonical.js";
import { nodeOf, orderOf } from "../../src/spec/order.js";
import { toJsonSchema } from "../../src/spec/schema.js";
import { type DagSpec, kindOf, type Node } from "../../src/spec/shape.js";
import type { Scope } from "../engine/scope.js";

/** What a part of a prompt is read from. */
export type PartSource = "input" | "item" | "focus" | `need ${string}` | `own ${string}`;

/** Who asks: an agent of a DAG, or the planner or joiner of a run. */
export interface Asker {
  readonly scope: Scope;
  /** Path in requests; `$planner` and `$joiner` for those. */
  readonly path: string;
  /** The node's name in its DAG; `null` for planner and joiner. */
  readonly name: string | null;
  readonly node: Pick<Node, "model" | "modelOptions">;
}

/** What stands in front of a request's messages at the provider. */
export type Front = Pick<ModelRequest, "tools" | "schema">;

/**
 * In which order the parts of a prompt stand where data comes first. Rules:
 * 1. What all read comes first: the run's input.
 * 2. Then needs, those of most readers first, else in the spec's order: so two agents that need the same begin alike.
 * 3. Then what only this request has: a planner's own parts, the item under `forEach`, the focus.
 */
export function partOrder(spec: DagSpec, source: PartSource): readonly [group: number, place: number] {
  if (source === "input") return [0, 0];
  if (source.startsWith("need "))
    return [1, needPlaces(spec).get(source.slice(5)) ?? Number.MAX_SAFE_INTEGER];
  return [source === "item" ? 3 : source === "focus" ? 4 : 2, 0];
}

/**
 * How many leading parts another request of the run begins with too; 0 where there is no other. Planner and joiner
 * begin as the agents do where those share.
 */
export function sharedParts(asker: Asker, sources: readonly PartSource[], { tools, schema }: Front): number {
  const { scope, name } = asker;
  const { run } = scope;
  const front = frontText(
    tools.map((tool) => tool.name),
    schema,
  );
  const model = run.models.choiceFor(asker.node, asker.path, scope.spec);
  const { outermost, inRounds } = whereInputIsTheSame(scope);
  const own = name === null ? null : declaredPath(scope.prefix + name);
  const common: number[] = [];
  for (const { spec, name: other, path } of agentsWithInputOf(outermost.spec, outermost.prefix)) {
    const node = nodeOf(spec, other);
    if (frontOf(node) !== front || run.models.choiceFor(node, path, spec) !== model) continue;
    const isOwn = path === own;
    if (isOwn && node.forEach === undefined && !inRounds) continue;
    const their = sourcesOf(spec, other);
    // Needs are another DAG's own, whatever their names.
    common.push(
      commonLength(sources, spec === scope.spec ? their : their.slice(0, their[0] === "input" ? 1 : 0)),
    );
  }
  const longest = common.sort((a, b) => b - a);
  return longest[name === null ? 1 : 0] ?? 0;
}

/** The outermost DAG around a scope that has the same input, and whether a loop gives it to round after round. */
function whereInputIsTheSame(scope: Scope): { readonly outermost: Scope; readonly inRounds: boolean } {
  let outermost = scope;
  let inRounds = false;
  for (let around = scope.sameInput; around !== null; around = around.scope.sameInput) {
    outermost = around.scope;
    inRounds ||= around.inRounds;
  }
  return { outermost, inRounds };
}

/** The agents of a DAG, and of the graphs in it that it passes its input on to as it is. */
function* agentsWithInputOf(
  spec: DagSpec,
  prefix: string,
): Generator<{ readonly spec: DagSpec; readonly name: string; readonly path: string }> {
  for (const [name, node] of Object.entries(spec.nodes)) {
    const path = prefix + name;
    if (kindOf(node) === "agent") yield { spec, name, path };
    else if (node.dag !== undefined && node.input === undefined && node.forEach === undefined)
      yield* agentsWithInputOf(node.dag, `${path}/`);
  }
}

/** What of tools and a schema providers put in front: a schema that is told in words stands behind the data. */
export function inFront({ tools, schema }: Front, options: Node["modelOptions"]): Front {
  return { tools, schema: inWords(options) ? null : schema };
}

const needOrders = new WeakMap<DagSpec, ReadonlyMap<string, number>>();

/** Where each node stands among the needs of a prompt. */
function needPlaces(spec: DagSpec): ReadonlyMap<string, number> {
  const known = needOrders.get(spec);
  if (known !== undefined) return known;
  const { topological } = orderOf(spec);
  const readers = new Map<string, number>();
  for (const node of Object.values(spec.nodes)) {
    if (kindOf(node) !== "agent" || node.include === "input") continue;
    for (const need of node.needs ?? []) readers.set(need, (readers.get(need) ?? 0) + 1);
  }
  const ordered = [...topological].sort((a, b) => (readers.get(b) ?? 0) - (readers.get(a) ?? 0));
  const places = new Map(ordered.map((name, index) => [name, index]));
  if (Object.isFrozen(spec)) needOrders.set(spec, places);
  return places;
}

/** What an agent's prompt is read from, in the order of {@link partOrder}. */
function sourcesOf(spec: DagSpec, name: string): PartSource[] {
  const { include = "both", needs = [], forEach } = nodeOf(spec, name);
  const places = needPlaces(spec);
  const read =
    include === "input" ? [] : [...needs].sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
  return [
    ...(include !== "needs" && forEach === undefined ? (["input"] as const) : []),
    ...read.map((need) => `need ${need}` as const),
  ];
}

/**
 * What providers put in front of the messages, as one text: tools, and a schema unless it is told in words, which stand
 * behind the data. Requests that differ in it share nothing.
 */
function frontOf({ tools = [], output, modelOptions }: Node): string {
  const names = tools.map((one) => ("tool" in one ? one.tool.name : one.name));
  return frontText(names, output === undefined || inWords(modelOptions) ? null : toJsonSchema(output));
}

const frontText = (tools: readonly string[], schema: Front["schema"]) =>
  tools.length === 0 && schema === null ? "nothing" : hashOf([tools, schema]);

const inWords = (options: Node["modelOptions"]) =>
  options?.structured === "instructions" || options?.structured === "json";

function commonLength(a: readonly unknown[], b: readonly unknown[]): number {
  const differs = a.findIndex((one, index) => one !== b[index]);
  return differs < 0 ? a.length : differs;
}
