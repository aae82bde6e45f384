// A server on loopback that answers chat completions, streamed or whole, at once. Prints its port; ends with its parent.
import { createServer } from "node:http";

const words = Array.from({ length: 60 }, (_, i) => `word${i} `);
const usage = { prompt_tokens: 200, completion_tokens: 60, total_tokens: 260 };
const server = createServer(async (request, response) => {
  let text = "";
  for await (const part of request) text += part;
  const head = { id: "c", object: "chat.completion", created: 1, model: "m" };
  if (JSON.parse(text).stream !== true) {
    response.writeHead(200, { "content-type": "application/json" });
    const message = { role: "assistant", content: words.join("") };
    response.end(JSON.stringify({ ...head, choices: [{ index: 0, message, finish_reason: "stop" }], usage }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (choices, rest = {}) =>
    response.write(
      `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices, ...rest })}\n\n`,
    );
  send([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]);
  for (const content of words) send([{ index: 0, delta: { content }, finish_reason: null }]);
  send([{ index: 0, delta: {}, finish_reason: "stop" }]);
  send([], { usage });
  response.end("data: [DONE]\n\n");
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.on("disconnect", () => process.exit());
