import { readFileSync } from "node:fs";
import { expect, it } from "@jest/globals";
import ts from "typescript";

/** A function on the way from `run` to a model, as the page of the architecture lists it. */
interface Step {
  readonly name: string;
  readonly file: string;
}

/** The steps that stand under a heading of the page. */
function stepsUnder(heading: string): readonly Step[] {
  const [, section = ""] = readFileSync("docs/architecture.md", "utf8").split(`## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return [...own.matchAll(/^\| \d+ +\| `([\w.#]+)` +\| `([\w/.-]+)`/gm)].map(([, name = "", file = ""]) => ({
    name,
    file,
  }));
}

const way = stepsUnder("What happens when an agent node runs");
const resumed = stepsUnder("What happens on resume");

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

it("tells what happens on resume by at most ten functions in at most eight files", () => {
  expect([resumed[0]?.name, resumed.length]).toEqual(["resume", 10]);
  expect(new Set(resumed.map(({ file }) => file)).size).toBeLessThanOrEqual(8);
});

/** What stands between the door and the checks in a run, stands there on resume as well. */
const shared = way.filter(({ name }) => ["bindLifecycle", "Lifecycle.drive"].includes(name));

it.each(resumed.slice(1).map((step, index) => [step.name, resumed.slice(0, index + 1)] as const))(
  "%s is called by a step before it, on resume",
  (name, before) => {
    expect([...before, ...shared].flatMap(calledIn)).toContain(name.replace(/^\w+\.#?/, ""));
  },
);

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
