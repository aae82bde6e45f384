import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { validate } from "dockerfile-utils";
import { parse } from "yaml";
import { cli } from "../cli/cli-run.js";

const dockerfile = readFileSync("examples/service/Dockerfile", "utf8");
const instructions = dockerfile
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)] as const);
const values = (name: string) => instructions.filter(([one]) => one === name).map(([, value]) => value);

it("the Dockerfile pins its image, runs as no root, and starts a command that there is", async () => {
  const known = ["FROM", "WORKDIR", "ENV", "COPY", "RUN", "VOLUME", "USER", "EXPOSE", "HEALTHCHECK", "CMD"];
  expect(instructions.filter(([name]) => !known.includes(name))).toEqual([]);
  expect(values("FROM")).toEqual([expect.stringMatching(/^node:\d+-\w/)]);
  expect(values("USER")).toEqual(["node"]);
  // What the command needs beside the package itself is told, and what this computer has installed stays out.
  expect(values("CMD")[0]).toContain("sqlite:");
  expect(dockerfile).toContain("@langchain/langgraph-checkpoint-sqlite");
  expect(readFileSync("examples/service/.dockerignore", "utf8").split("\n")).toContain("node_modules");
  const [, ...words] = JSON.parse(values("CMD")[0] ?? "") as string[];
  const help = (await cli(["serve", "--help"])).stdout;
  for (const flag of words.filter((word) => word.startsWith("--"))) expect(help).toContain(flag);
  const check = JSON.parse((values("HEALTHCHECK")[0] ?? "").replace(/^.*?CMD /, "")) as string[];
  expect(() => new Function(check[2] ?? "(")).not.toThrow();
});

it("the compose file serves on this computer only, keeps its runs, and leaves time to finish them", () => {
  const { services, volumes } = parse(readFileSync("examples/service/compose.yaml", "utf8"));
  const { graphs } = services;
  expect(graphs.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:8787:8787$/)]);
  const [[volume, path] = []] = graphs.volumes.map((one: string) => one.split(":"));
  expect(volumes).toHaveProperty(volume);
  expect(values("VOLUME")).toEqual([path]);
  const drainMs = Number(/"--drain-ms", "(\d+)"/.exec(dockerfile)?.[1]);
  expect(Number.parseInt(graphs.stop_grace_period, 10) * 1000).toBeGreaterThan(drainMs + 5000);
});

it("linters of both files find nothing", () => {
  expect(validate(dockerfile)).toEqual([]);
  expect(validate(dockerfile.replace("WORKDIR", "WORKDIRS"))).not.toEqual([]);
  // Which quotes is the formatter's to say.
  const lint = (file: string) =>
    execFileSync(
      join("node_modules", ".bin", "dclint"),
      [file, "--max-warnings", "0", "--disable-rule", "require-quotes-in-ports"],
      { stdio: "pipe" },
    );
  lint("examples/service/compose.yaml");
  const folder = mkdtempSync(join(tmpdir(), "agent-dag-compose-"));
  try {
    const wrong = join(folder, "compose.yaml");
    writeFileSync(
      wrong,
      readFileSync("examples/service/compose.yaml", "utf8").replace("restart:", "restarts:"),
    );
    expect(() => lint(wrong)).toThrow();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
