/** Which piece of work something is about: a node, one item of it, or one call of it by a planner. */
export interface WorkKey {
  /** Path of the node: `outer/inner` inside a graph node, under `forEach` `outer[3]/inner`, in a round `outer@2/inner`. */
  readonly node: string;
  /** Item index under `forEach`; `null` for the node as a whole. */
  readonly item: number | null;
  /** Which call of the node by a planner, from 0; `null` where no planner called, and for the node as a whole. */
  readonly invocation: number | null;
}

/** One step of a work's path: a node, and which item, planner's call and round of it. */
export interface Step {
  readonly name: string;
  readonly item: number | null;
  readonly invocation: number | null;
  readonly round: number | null;
}

/** The node as a whole. */
export function nodeWork(node: string): WorkKey {
  return { node, item: null, invocation: null };
}

/** A work as text, which is also where its inner nodes live: `outer`, `outer[3]`, `outer#1`, `outer[3]#1`. */
export function workPath({ node, item, invocation }: WorkKey): string {
  if (item === null && invocation === null) return node;
  return `${node}${item === null ? "" : `[${item}]`}${invocation === null ? "" : `#${invocation}`}`;
}

/** Where the inner nodes of one round of a work live: `outer@2`. Rounds count from 1. */
export function roundPath(key: WorkKey, round: number): string {
  return `${workPath(key)}@${round}`;
}

/** What {@link workPath} printed, read back. A path that ends in a round stands for the work that has the rounds. */
export function parseWork(path: string): WorkKey {
  const at = path.lastIndexOf("/") + 1;
  const { name, item, invocation } = parseStep(path.slice(at));
  return { node: path.slice(0, at) + name, item, invocation };
}

/** The work that a work is part of: of an item or a call its node, of an inner node the graph node's work; `null` at the top. */
export function parentOf(key: WorkKey): WorkKey | null {
  if (key.item !== null) return { ...key, item: null };
  if (key.invocation !== null) return nodeWork(key.node);
  const at = key.node.lastIndexOf("/");
  return at < 0 ? null : parseWork(key.node.slice(0, at));
}

/** The outermost node of a path, and which item, planner's call and round of it the path leads into. */
export function outermost(path: string): Step {
  return parseStep(path.split("/", 1)[0] ?? path);
}

/** Whether `inner` is `outer` or a part of it, at any depth. */
export function contains(outer: WorkKey, inner: WorkKey): boolean {
  if (!inner.node.startsWith(outer.node)) return false;
  const own = workPath(outer).split("/");
  const others = workPath(inner).split("/");
  return (
    own.length <= others.length &&
    own.every((text, index) => {
      const other = others[index] as string;
      return text === other || covers(parseStep(text), parseStep(other));
    })
  );
}

/** Finds the parts of pieces of work among many, as {@link contains} tells them, without a look at each for each. */
export function indexByWork<T extends WorkKey>(parts: readonly T[]): (work: WorkKey) => readonly T[] {
  // By the declared place of each work that a part may be in, and its item: what else a work is, is looked at then.
  const byPlace = new Map<string, T[]>();
  const enter = (place: string, part: T) => {
    const known = byPlace.get(place);
    if (known === undefined) byPlace.set(place, [part]);
    else known.push(part);
  };
  for (const part of parts) {
    let declared = "";
    for (const step of workPath(part).split("/")) {
      const { name, item } = parseStep(step);
      declared += `/${name}`;
      enter(declared, part);
      if (item !== null) enter(`${declared}[${item}]`, part);
    }
  }
  return (work) => {
    const place = `/${declaredPath(work.node)}${work.item === null ? "" : `[${work.item}]`}`;
    return (byPlace.get(place) ?? []).filter((part) => contains(work, part));
  };
}

/** Whether two keys name the same work. */
export function sameWork(a: WorkKey, b: WorkKey): boolean {
  return a.node === b.node && a.item === b.item && a.invocation === b.invocation;
}

/** Whether a work is a node of the run's own DAG, as a whole. */
export function isTopLevel(key: WorkKey): boolean {
  return key.item === null && key.invocation === null && !key.node.includes("/");
}

/** The declared place of a node: its path without items, calls and rounds (`outer/inner`). */
export function declaredPath(path: string): string {
  return path
    .split("/")
    .map((step) => parseStep(step).name)
    .join("/");
}

/** Whether a work's last step is the same step, or has it as a part; rounds are no works. */
function covers(outer: Step, inner: Step): boolean {
  return (
    outer.name === inner.name &&
    (outer.item === null || outer.item === inner.item) &&
    (outer.invocation === null || outer.invocation === inner.invocation)
  );
}

const stepPattern = /^(.*?)(?:\[(\d+)\])?(?:#(\d+))?(?:@(\d+))?$/s;

function parseStep(text: string): Step {
  const [, name = text, item, invocation, round] = stepPattern.exec(text) ?? [];
  const number = (digits: string | undefined) => (digits === undefined ? null : Number(digits));
  return { name, item: number(item), invocation: number(invocation), round: number(round) };
}
