// What importing the library costs beyond LangGraph's own share, and what the first offline answer adds: processor time,
// medians over fresh processes. Of the built library: `npm run build && npm run bench:import -- [ROUNDS]`
import { execFileSync } from "node:child_process";
import { percentile } from "./percentile.js";

const rounds = Number(process.argv[2] ?? 9);
const script = `
const clock = async (work) => {
  const from = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
};
const langGraph = await clock(() => import("@langchain/langgraph"));
let lib;
const library = await clock(async () => { lib = await import("agent-dag"); });
const spec = lib.defineDag({ name: "one", nodes: { only: { instructions: "Judge the sentiment." } } });
const ask = () => lib.run(spec, "It is excellent.", { model: "offline" });
const first = await clock(ask);
console.log(JSON.stringify({ langGraph, library, first, second: await clock(ask) }));
`;
const runs = Array.from(
  { length: rounds },
  () =>
    JSON.parse(
      execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" }),
    ) as Record<"langGraph" | "library" | "first" | "second", number>,
);
const median = (of: keyof (typeof runs)[number]) =>
  percentile(
    runs.map((run) => run[of]),
    0.5,
  ).toFixed(0);
process.stdout.write(
  `LangGraph ${median("langGraph")} ms, the library beyond it ${median("library")} ms, first offline answer ${median("first")} ms, second ${median("second")} ms (processor time, medians of ${rounds} processes)\n`,
);
