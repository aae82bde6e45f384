// A server on loopback that answers chat completions and caches the beginnings of requests as OpenAI documents it: 1,024
// tokens at least, in steps of 128, usable from the first token of the reply on, schema and tools in front of the messages.
// Each API key has a cache of its own. Arguments: time to first token and between tokens, in milliseconds, and tokens of a
// reply. Prints its port; ends with its parent.
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { encode } from "gpt-tokenizer/encoding/o200k_base";

const [firstTokenMs = 500, tokenMs = 5, replyTokens = 60] = process.argv.slice(2).map(Number);
const [minTokens, stepTokens] = [1024, 128];

/** By API key, the beginnings that the cache holds, as tokens. */
const caches = new Map();

const cachedOf = (held, tokens) => {
  const shared = Math.max(0, ...held.map((other) => commonLength(other, tokens)));
  return shared < minTokens ? 0 : minTokens + Math.floor((shared - minTokens) / stepTokens) * stepTokens;
};

const commonLength = (a, b) => {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
};

/** Every answer, a value of the schema that the benchmark asks for as well as a text. */
const said = JSON.stringify({ verdict: "word ".repeat(replyTokens).trim() });
const pieces = said.match(/\s*\S+/g) ?? [];

const server = createServer(async (request, response) => {
  let text = "";
  for await (const part of request) text += part;
  const body = JSON.parse(text);
  const { messages, tools = [], response_format: format, stream } = body;
  const schema = format?.json_schema === undefined ? [] : [format.json_schema];
  const prompt = encode([...schema, ...tools, ...messages].map((part) => JSON.stringify(part)).join("\n"));
  const key = request.headers.authorization ?? "";
  const held = caches.get(key) ?? [];
  caches.set(key, held);
  const cached = cachedOf(held, prompt);
  await sleep(firstTokenMs);
  held.push(prompt);

  const called = tools.length > 0;
  const usage = {
    prompt_tokens: prompt.length,
    completion_tokens: pieces.length,
    total_tokens: prompt.length + pieces.length,
    prompt_tokens_details: { cached_tokens: cached },
  };
  const head = { id: "c", object: "chat.completion", created: 1, model: "gpt-4.1-mini" };
  const toolCall = (args) => ({
    index: 0,
    id: "t1",
    type: "function",
    function: { name: tools[0].function.name, arguments: args },
  });
  const finish = called ? "tool_calls" : "stop";
  if (stream !== true) {
    await sleep(tokenMs * (pieces.length - 1));
    const message = called
      ? { role: "assistant", content: null, tool_calls: [toolCall(said)] }
      : { role: "assistant", content: said };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...head, choices: [{ index: 0, message, finish_reason: finish }], usage }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (choices, rest = {}) =>
    response.write(
      `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices, ...rest })}\n\n`,
    );
  send([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]);
  if (called) send([{ index: 0, delta: { tool_calls: [toolCall(said)] }, finish_reason: null }]);
  else
    for (const content of pieces) {
      send([{ index: 0, delta: { content }, finish_reason: null }]);
      await sleep(tokenMs);
    }
  send([{ index: 0, delta: {}, finish_reason: finish }]);
  send([], { usage });
  response.end("data: [DONE]\n\n");
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.on("disconnect", () => process.exit());
