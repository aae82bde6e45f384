// Packs the package, installs the tarball into empty folders as a user would, and uses it from there.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
    !shipped.some((path) => /(^|\/)(test|bench)\/|\.test\.ts$|\.snap$/.test(path)),
    "no tests are shipped",
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
  expect(
    /summary/.test(started) && /wall/.test(started),
    "the new project prints its outputs and its timeline",
  );
  run("npm test in the new project writes the snapshot", "npm", ["test", "--silent"], starter, { CI: "" });
  expect(existsSync(join(starter, "__snapshots__", "graph.test.ts.snap")), "the snapshot was written");
  run("npm test in the new project holds the snapshot", "npm", ["test", "--silent"], starter, { CI: "true" });
  console.log("The package installs, runs and types as a user would have it.");
} finally {
  rmSync(folder, { recursive: true, force: true });
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
    return lines.filter((line) => /^(user\.ts|node_modules\/agent-dag\/)/.test(line)).join("\n");
  }
}
