import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { freePort } from "../support/server-process.js";
import { type Fence, fencesOf, withoutTimes } from "./fences.js";

const execute = promisify(execFile);
const root = resolve(".");
const update = process.env.UPDATE_DOCS === "1";
/** Every page; "From LangGraph" has a test of its own. */
const pages = [
  "README.md",
  "skills/agent-dag/SKILL.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
]
  .filter((page) => page !== "docs/from-langgraph.md")
  .sort();

let folder: string;
let server: LLMock;

beforeAll(async () => {
  // Inside the package, so that programs import it by its name.
  folder = mkdtempSync(join(root, ".docs-"));
  for (const name of ["examples", "node_modules", "package.json", "dist", "README.md"]) {
    if (name !== "package.json") symlinkSync(join(root, name), join(folder, name));
  }
  server = new LLMock({ port: 0 });
  server.onMessage(/.*/, { content: '{"label":"mixed","score":0,"reason":"Both are named."}' });
  await server.start();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

for (const page of pages) {
  it(`${page} shows programs and commands that run, and what they print`, async () => {
    let text = readFileSync(page, "utf8");
    let printed: string | null = null;
    for (let index = 0; index < fencesOf(text).length; index++) {
      const fence = fencesOf(text)[index] as Fence;
      if (fence.notRun !== null) {
        printed = null;
        continue;
      }
      if (["js", "bash", "tsx"].includes(fence.language))
        throw new Error(`Neither run nor marked why not: ${fence.text}`);
      if (fence.language === "ts") printed = await runProgram(fence.text);
      else if (fence.language === "sh") printed = await runCommands(fence.text);
      else if (fence.language === "text" && printed !== null) {
        if (update)
          text = `${text.slice(0, fence.at)}${printed?.trimEnd()}\n${text.slice(fence.at + fence.text.length)}`;
        else expect(withoutTimes(printed ?? "")).toBe(withoutTimes(fence.text));
      }
    }
    if (update) writeFileSync(page, text);
  });
}

async function runProgram(text: string): Promise<string> {
  const name = /^\/\/ ([\w.-]+\.ts)$/m.exec(text)?.[1] ?? "program.ts";
  writeFileSync(join(folder, name), text);
  if (name.endsWith(".test.ts")) return runTests(name);
  return shell(`node node_modules/jiti/lib/jiti-cli.mjs ${name}`);
}

/** Runs a page's tests as a project of the reader's would. */
function runTests(name: string): Promise<string> {
  const base = JSON.stringify(join(root, "jest.config.js"));
  const own = JSON.stringify({ rootDir: root, roots: [folder], testMatch: [join(folder, name)] });
  writeFileSync(
    join(folder, "jest.config.mjs"),
    `import base from ${base};\nexport default { ...base, ...${own} };\n`,
  );
  return shell(
    "node --experimental-vm-modules --no-warnings node_modules/jest/bin/jest.js --ci=false --config jest.config.mjs 2>&1",
  );
}

/**
 * Runs commands as a reader would; the installation is there already, the key is for a server on this machine, and what is served
 * is at a port that nobody has.
 */
async function runCommands(text: string): Promise<string> {
  const [, shown] = /--port (\d+)/.exec(text) ?? [];
  const port = shown === undefined ? null : String(await freePort());
  const printed = await shell(
    (shown && port ? text.replaceAll(shown, port) : text)
      .replaceAll("npm ci && npm start", `npm start --silent --prefix ${root}`)
      .replaceAll("npx agent-dag", "node dist/src/cli/main.js")
      .replaceAll("OPENAI_API_KEY=…", `OPENAI_API_KEY=test OPENAI_BASE_URL=${server.url}/v1`),
  );
  return shown && port ? printed.replaceAll(port, shown) : printed;
}

async function shell(command: string): Promise<string> {
  const {
    OPENAI_API_KEY: _,
    OPENAI_BASE_URL: __,
    NODE_OPTIONS: ___,
    AGENT_DAG_MODEL: ____,
    ...env
  } = process.env;
  const options = { cwd: folder, env: { ...env, NO_COLOR: "1" } };
  const { stdout, stderr } = await execute("bash", ["-c", `${command.trimEnd()}`], options).catch((error) => {
    // `check` ends with 2 on the mistakes that it is shown with.
    if (error.code === 2 && /\bcheck\b/.test(command)) return error as { stdout: string; stderr: string };
    throw new Error(`${command}\n${error.stdout}\n${error.stderr}`);
  });
  return stdout === "" ? stderr : stdout;
}
