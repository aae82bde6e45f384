import { type Fields, isPlainObject } from "./issue.js";

/** A name in the one form that counts: names that are equal in Unicode's composed form (NFC) are the same name. */
export function composedName(name: string): string {
  return name.normalize("NFC");
}

/** The entry of that name, in whatever form it was written. */
export function namedIn<T>(entries: Readonly<Record<string, T>>, name: string): T | undefined {
  if (Object.hasOwn(entries, name)) return entries[name];
  const composed = composedName(name);
  const key = Object.keys(entries).find((one) => composedName(one) === composed);
  return key === undefined ? undefined : entries[key];
}

/**
 * A spec whose names, and whatever points at them, are in their one form. A spec without other letters than ASCII's is
 * given back as it is, and so is what `validate` has to refuse: two names that are the same.
 */
export function withComposedNames(spec: unknown): unknown {
  if (!isPlainObject(spec) || !isPlainObject(spec.nodes)) return spec;
  const names = Object.keys(spec.nodes);
  const inner = Object.values(spec.nodes).some(
    (node) => isPlainObject(node) && withComposedNames(node.dag) !== node.dag,
  );
  if (!inner && names.every((name) => /^\p{ASCII}*$/u.test(name))) return spec;
  if (new Set(names.map(composedName)).size < names.length) return spec;
  const nodes = Object.entries(spec.nodes).map(
    ([name, node]) => [composedName(name), isPlainObject(node) ? withComposedNeeds(node) : node] as const,
  );
  const { output } = spec;
  return {
    ...spec,
    nodes: Object.fromEntries(nodes),
    ...(typeof output === "string" && { output: composedName(output) }),
  };
}

function withComposedNeeds(node: Fields): Fields {
  const changed: Record<string, unknown> = {};
  if (Array.isArray(node.needs)) {
    changed.needs = node.needs.map((need: unknown) => (typeof need === "string" ? composedName(need) : need));
  }
  for (const field of ["when", "forEach", "repeat", "approve"] as const) {
    if (node[field] !== undefined) changed[field] = composedReferences(node[field]);
  }
  for (const field of ["args", "input"] as const) {
    if (node[field] !== undefined) changed[field] = composedTemplate(node[field]);
  }
  if (node.dag !== undefined) changed.dag = withComposedNames(node.dag);
  return { ...node, ...changed };
}

/** Conditions and references; what they compare with is data. */
function composedReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(composedReferences);
  if (!isPlainObject(value)) return value;
  const parts = Object.entries(value).map(([key, part]) => {
    if (key === "equals" || key === "in") return [key, part] as const;
    return [key, key === "node" && typeof part === "string" ? composedName(part) : composedReferences(part)];
  });
  return Object.fromEntries(parts);
}

/** A template is data but for its references. */
function composedTemplate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(composedTemplate);
  if (!isPlainObject(value)) return value;
  if ("$ref" in value) return { ...value, $ref: composedReferences(value.$ref) };
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, composedTemplate(part)]));
}
