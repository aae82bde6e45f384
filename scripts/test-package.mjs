// Packs the package, installs the tarball into empty folders as a user would, and uses it from there.
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = mkdtempSync(join(tmpdir(), "agent-dag-package-"));
const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const bin = (name) => join(root, "node_modules", ".bin", name);
const environment = {
  ...process.env,
  NO_COLOR: "1",
  OPENAI_API_KEY: "",
  OPENAI_BASE_URL: "",
  AGENT_DAG_MODEL: "",
};

function run(what, command, args, cwd, extra = {}) {
  console.log(`- ${what}`);
  try {
    const env = { ...environment, ...extra };
    return execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    console.error(`${error.stdout ?? ""}\n${error.stderr ?? ""}`);
    throw new Error(`${what}: ${command} ${args.join(" ")} failed`);
  }
}

function expect(condition, claim) {
  if (!condition) throw new Error(`Not so: ${claim}`);
}

const install = (cwd) =>
  run("npm install", "npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], cwd);

try {
  const [{ filename, files }] = JSON.parse(
    run("npm pack", "npm", ["pack", "--json", "--pack-destination", folder], root),
  );
  const tarball = join(folder, filename);
  const shipped = files.map(({ path }) => path);
  expect(
    shipped.includes("LICENSE") && shipped.includes("README.md"),
    "the licence and the README are shipped",
  );
  expect(
    !shipped.some((path) => /(^|\/)(test|bench)\/|^(?!templates\/).*\.test\.ts$|\.snap$/.test(path)),
    "no tests are shipped but those of the starter projects",
  );

  run("publint", bin("publint"), [tarball, "--strict"], root);
  run("are the types wrong?", bin("attw"), [tarball, "--profile", "esm-only"], root);

  const app = join(folder, "app");
  mkdirSync(app);
  const peers = ["@langchain/core", "@langchain/langgraph", "@langchain/openai", "zod"];
  const versions = Object.fromEntries(peers.map((name) => [name, own.devDependencies[name]]));
  const manifest = {
    name: "app",
    private: true,
    type: "module",
    dependencies: { "agent-dag": `file:${tarball}`, ...versions, typescript: own.devDependencies.typescript },
  };
  writeFileSync(join(app, "package.json"), JSON.stringify(manifest));
  install(app);
  const agentDag = join(app, "node_modules", ".bin", "agent-dag");
  const example = join("node_modules", "agent-dag", "examples", "review.ts");
  const record = JSON.parse(run("run a shipped example", agentDag, ["run", example, "--json"], app));
  expect(
    record.state === "completed" && Object.keys(record.outcomes).length === 5,
    "the shipped review completes",
  );

  writeFileSync(
    join(app, "user.ts"),
    `import { defineDag, run } from "agent-dag";
import { z } from "zod";
const dag = defineDag({
  name: "typed",
  input: z.object({ text: z.string() }),
  nodes: {
    size: { run: ({ input }) => input.text.length },
    mood: { instructions: "Judge.", output: z.object({ label: z.enum(["good", "bad"]) }) },
    both: { needs: ["size", "mood"], output: z.string(), run: ({ needs }) => String(needs.size) + needs.mood.label },
  },
});
const record = await run(dag, { text: "x" }, { model: "offline" });
if (record.state !== "completed" && record.state !== "partial") throw new Error(record.error?.message);
const output: string = record.output;
if (record.outcomes.size.state === "completed") record.outcomes.size.value.toFixed();
// @ts-expect-error a misspelt need is an error at that string
defineDag({ name: "wrong", nodes: { a: { run: () => 1 }, b: { needs: ["aa"], run: () => 2 } } });
console.log(output);
`,
  );
  writeFileSync(
    join(app, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        module: "NodeNext",
        target: "ES2022",
        lib: ["ES2023", "DOM"],
        noEmit: true,
        types: [],
      },
      files: ["user.ts"],
    }),
  );
  const errors = typeErrors(app);
  expect(errors === "", `a user's file compiles against the shipped types:\n${errors}`);

  const starter = join(folder, "starter");
  run("agent-dag init", agentDag, ["init", starter, "--package", `file:${tarball}`], app);
  install(starter);
  const started = run("npm start in the new project", "npm", ["start", "--silent"], starter);
  expect(/meta/.test(started) && /wall/.test(started), "the new project prints its outputs and its timeline");
  run("npm test in the new project writes the snapshot", "npm", ["test", "--silent"], starter, { CI: "" });
  expect(existsSync(join(starter, "__snapshots__", "graph.test.ts.snap")), "the snapshot was written");
  run("npm test in the new project holds the snapshot", "npm", ["test", "--silent"], starter, { CI: "true" });
  for (const template of ["revise", "batch", "service"]) {
    const project = join(folder, template);
    const args = ["init", project, "--template", template, "--package", `file:${tarball}`];
    run(`agent-dag init --template ${template}`, agentDag, args, app);
    symlinkSync(join(starter, "node_modules"), join(project, "node_modules"));
    run("its npm test writes the snapshot", "npm", ["test", "--silent"], project, { CI: "" });
    run("its npm test holds the snapshot", "npm", ["test", "--silent"], project, { CI: "true" });
    expect(typeErrors(project) === "", `the project of ${template} type-checks`);
    if (template === "service") continue;
    const printed = run("its npm start", "npm", ["start", "--silent"], project);
    expect(/result|4 rows/.test(printed), `npm start of ${template} prints what it did:\n${printed}`);
  }
  await serves(join(folder, "service"));
  console.log("The package installs, runs and types as a user would have it.");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Starts the service of a starter project as `npm start` does, and asks it for a run. */
async function serves(cwd) {
  console.log("- its npm start serves");
  const command = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")).scripts.start.split(" ");
  const bin = join(cwd, "node_modules", ".bin", command[0]);
  const child = spawn(bin, [...command.slice(1), "--port", "0"], { cwd, env: environment });
  try {
    const url = await new Promise((resolve, reject) => {
      child.stdout.once("data", (data) => resolve(String(data).trim()));
      child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
    });
    const response = await fetch(new URL("runs", url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: { message: "The pool opens again on Monday." } }),
    });
    expect((await response.json()).state === "interrupted", "the service's run waits for an answer");
  } finally {
    child.kill("SIGKILL");
  }
}

/** Type errors in the user's file and in what this package ships; others' declaration files are not ours to judge. */
function typeErrors(cwd) {
  console.log("- tsc --strict on a user's file");
  try {
    execFileSync(process.execPath, [join(cwd, "node_modules/typescript/bin/tsc"), "-p", "."], {
      cwd,
      encoding: "utf8",
    });
    return "";
  } catch (error) {
    const lines = String(error.stdout).split("\n");
    return lines
      .filter((line) => /^(user\.ts|graph(\.test)?\.ts|node_modules\/agent-dag\/)/.test(line))
      .join("\n");
  }
}
