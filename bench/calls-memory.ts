// Memory after model calls: 5,000 of them in runs of five agents, over HTTP, whole and streamed; what the heap holds and what
// is resident after each thousand, its garbage collected. `npm run bench:calls-memory`
import { run } from "agent-dag";
import { atOnce, fiveAgents, startModel, text } from "./five-agents.js";

const calls = Number(process.argv[2] ?? 5000);
const { model, end } = await startModel();

const megabytes = (bytes: number) => bytes / 1024 / 1024;

async function afterCalls(streamed: boolean, count: number): Promise<{ heap: number; resident: number }> {
  for (let done = 0; done < count; done += atOnce * 5) {
    const options = { model, ...(streamed && { onEvent: () => undefined }) };
    const records = await Promise.all(Array.from({ length: atOnce }, () => run(fiveAgents, text, options)));
    const wrong = records.find(({ state }) => state !== "completed");
    if (wrong !== undefined) throw new Error(`A run ended ${wrong.state}.`);
  }
  // Finalizers run between collections.
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: megabytes(heapUsed), resident: megabytes(rss) };
}

if (globalThis.gc === undefined) throw new Error("Run it with --expose-gc.");
for (const streamed of [false, true]) {
  await afterCalls(streamed, 500);
  const steps = [];
  for (let thousand = 1; thousand <= calls / 1000; thousand++) steps.push(await afterCalls(streamed, 1000));
  const told = steps.map(({ heap, resident }) => `${heap.toFixed(1)} (${resident.toFixed(0)})`).join(", ");
  const grown = (steps.at(-1)?.heap ?? 0) - (steps[0]?.heap ?? 0);
  console.log(
    `${streamed ? "streamed" : "whole   "}: heap (resident) in MB after each 1,000 calls: ${told}; the heap grew by ${grown.toFixed(1)} MB`,
  );
}
end();
process.exit(0);
