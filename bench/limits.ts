/**
 * How much of a provider's limits is used under load, and how often the provider refuses. A real HTTP server on loopback
 * enforces 500 requests and 200,000 tokens in any minute, at arrival, on its own clock; a minute takes 6 seconds.
 */
import { setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DagError } from "../src/errors.js";
import { createLimiter } from "../src/limits/limiter.js";
import { limitCalls } from "../src/models/limit-calls.js";
import { collectReply, type Model } from "../src/models/port.js";
import { seeded } from "./percentile.js";

const minuteMs = 6000;
const limits = { requestsPerMinute: 500, tokensPerMinute: 200_000 };
const minutes = 5;
const workers = 60;

/** Counts in a sliding minute; refuses with 429 what does not fit, and counts refused requests as requests too. */
function provider() {
  let log: { atMs: number; tokens: number }[] = [];
  const totals = { accepted: 0, refused: 0, tokens: 0, fromMs: Infinity };
  const server = createServer((request, response) => {
    const nowMs = performance.now();
    const tokens = Number(request.headers["x-tokens"]);
    log = log.filter(({ atMs }) => atMs > nowMs - minuteMs);
    const used = log.reduce((sum, entry) => sum + entry.tokens, 0);
    const fits = log.length < limits.requestsPerMinute && used + tokens <= limits.tokensPerMinute;
    log.push({ atMs: nowMs, tokens: fits ? tokens : 0 });
    const counted = nowMs >= totals.fromMs;
    if (counted && fits) totals.accepted++;
    if (counted && fits) totals.tokens += tokens;
    if (counted && !fits) totals.refused++;
    // A reply takes 0.4 to 1.6 seconds of the provider's time.
    setTimeout(() => response.writeHead(fits ? 200 : 429).end(), ((0.4 + random() * 1.2) / 60) * minuteMs);
  });
  const random = seeded(7);
  return { server, totals };
}

/** Requests whose real tokens lie at 40 to 100 % of what is estimated before. */
async function load(meanTokens: number) {
  const { server, totals } = provider();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const random = seeded(meanTokens);
  const model: Model = {
    id: "bench:model",
    async *call({ messages, modelOptions: { maxTokens = 1 } }) {
      const inputTokens = Number(messages[0]?.content.length ?? 0) / 4;
      const outputTokens = Math.round(maxTokens * (0.1 + 0.9 * random()));
      const response = await fetch(url, { headers: { "x-tokens": String(inputTokens + outputTokens) } });
      if (response.status === 429)
        throw new DagError("MODEL_RATE_LIMITED", "429", { facts: { status: 429 } });
      await response.arrayBuffer();
      yield { type: "text", text: "x" };
      yield { type: "usage", inputTokens, outputTokens };
    },
  };
  const limiter = createLimiter({ ...limits, minuteMs });
  const limited = limitCalls(model, {
    limiter,
    budget: null,
    prices: async () => () => null,
    remainingMs: () => Infinity,
  });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const worker = async () => {
    while (!stop.signal.aborted) {
      const inputTokens = Math.round(meanTokens * 0.4 * (0.5 + random()));
      const maxTokens = Math.round(meanTokens * 1.1 * (0.5 + random()));
      await collectReply(
        limited.call({
          messages: [{ role: "user", content: "abcd".repeat(inputTokens) }],
          tools: [],
          schema: null,
          modelOptions: { maxTokens },
          node: "bench",
          item: null,
          invocation: null,
          turn: 0,
          attempt: 1,
          signal: stop.signal,
        }),
      ).catch(() => undefined);
    }
  };
  const running = Array.from({ length: workers }, worker);
  // The first minute begins with an empty window and is not counted.
  await new Promise((resolve) => setTimeout(resolve, minuteMs));
  totals.fromMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, minutes * minuteMs));
  const elapsedMinutes = (performance.now() - totals.fromMs) / minuteMs;
  const seen = { ...totals };
  stop.abort();
  await Promise.all(running);
  server.close();
  server.closeAllConnections();
  const requests = seen.accepted / (limits.requestsPerMinute * elapsedMinutes);
  const tokens = seen.tokens / (limits.tokensPerMinute * elapsedMinutes);
  return {
    used: Math.max(requests, tokens),
    requests,
    tokens,
    refused: seen.refused / (seen.accepted + seen.refused),
  };
}

const share = (value: number) => `${(value * 100).toFixed(2)} %`.padStart(9);
let met = true;
console.log(
  `500 requests/min, 200k tokens/min; a minute takes ${minuteMs} ms; ${minutes} minutes, ${workers} workers`,
);
console.log("load                    requests    tokens    binding   target    429s      target");
for (const [name, meanTokens] of [
  ["requests bind (250 t)", 250],
  ["tokens bind (900 t)", 900],
] as const) {
  const { used, requests, tokens, refused } = await load(meanTokens);
  const ok = used >= 0.95 && refused < 0.005;
  met &&= ok;
  console.log(
    `${name.padEnd(22)} ${share(requests)} ${share(tokens)} ${share(used)}   ≥ 95 %   ${share(refused)}  < 0.5 %   ${ok ? "met" : "MISSED"}`,
  );
}
if (!met && process.argv.includes("--check")) process.exitCode = 1;
