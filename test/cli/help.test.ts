import { PassThrough } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { helpTexts } from "../../src/cli/help-texts.js";
import { createProgram } from "../../src/cli/program.js";
import { cli } from "./cli-run.js";

const program = () => {
  const nowhere = new PassThrough().resume();
  return createProgram({
    stdin: nowhere,
    stdout: nowhere,
    stderr: nowhere,
    env: {},
    columns: 80,
    isTerminal: false,
    colorOut: false,
    colorErr: false,
    exitCode: 0,
  });
};
const names = program().commands.map((command) => command.name());

/** The arguments of a command line as a shell would split it, up to where its output goes. */
const argumentsOf = (line: string) =>
  [...(line.split(" > ")[0] ?? "").matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );

it("has examples for every command, and for no other", () => {
  expect(Object.keys(helpTexts).sort()).toEqual([...names].sort());
});

describe.each(names)("the help of %s", (name) => {
  it("shows its examples and what its exit statuses mean, in 80 columns", async () => {
    const { stdout, exitCode } = await cli([name, "--help"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\nExamples:\n( {2}# .+\n {2}agent-dag .+\n)+\nExit status:\n +0 {2}\S/);
    const after = stdout.slice(stdout.indexOf("\nExamples:"));
    for (const line of after.split("\n").filter((one) => !one.startsWith("  agent-dag")))
      expect(line.length).toBeLessThanOrEqual(80);
  });

  it.each(helpTexts[name]?.examples.map(([line]) => line) ?? [])("can be typed: %s", async (line) => {
    const [own, command, ...others] = argumentsOf(line);
    expect([own, command]).toEqual(["agent-dag", name]);
    const ran: string[] = [];
    const known = program();
    for (const one of known.commands)
      one.action(() => {
        ran.push(one.name());
      });
    await known.parseAsync([name, ...others], { from: "user" });
    expect(ran).toEqual([name]);
  });
});
