import { readFileSync } from "node:fs";
import { expect, it } from "@jest/globals";
import ts from "typescript";

/** A function on the way from `run` to a model, as the page of the architecture lists it. */
interface Step {
  readonly name: string;
  readonly file: string;
}

const way: readonly Step[] = [
  ...readFileSync("docs/architecture.md", "utf8").matchAll(/^\| \d+ +\| `([\w.#]+)` +\| `([\w/.-]+)`/gm),
].map(([, name = "", file = ""]) => ({ name, file }));

/** Where a step leads to the next by another name than its own: through LangGraph, or what the engine was handed. */
const handedOver: Readonly<Record<string, string>> = {
  bindLifecycle: "invoke",
  specNode: "iterate",
  runAgent: "performers",
};

it("leads from `run` to a model through at most ten functions in at most eight files", () => {
  expect([way[0]?.name, way.at(-1)?.name]).toEqual(["run", "askOnce"]);
  expect(way.length).toBeLessThanOrEqual(10);
  expect(new Set(way.map(({ file }) => file)).size).toBeLessThanOrEqual(8);
});

it.each(way.slice(0, -1).map((step, index) => [step.name, way[index + 1]?.name ?? "", step] as const))(
  "%s leads to %s",
  (_, next, step) => {
    const called = handedOver[next] ?? next.replace(/^\w+\.#?/, "");
    expect(calledIn(step)).toContain(called);
  },
);

it("ends where the model is asked", () => {
  expect(calledIn(way.at(-1) as Step)).toEqual(expect.arrayContaining(["modelFor", "replyOf"]));
});

/** The names of what a function calls, reads a member of, or hands on. */
function calledIn({ name, file }: Step): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const wanted = name.replace(/^\w+\./, "");
  const found: ts.Node[] = [];
  const find = (node: ts.Node): void => {
    const isIt = ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node);
    if (isIt && node.body !== undefined && node.name?.getText() === wanted) found.push(node.body);
    ts.forEachChild(node, find);
  };
  find(source);
  expect(found).toHaveLength(1);
  const names: string[] = [];
  const collect = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) names.push(node.text.replace(/^#/, ""));
    ts.forEachChild(node, collect);
  };
  for (const body of found) collect(body);
  return names;
}
