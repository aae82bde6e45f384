import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { ChatOpenAI } from "@langchain/openai";
import type { DagError } from "../../src/errors.js";
import { langchainModel } from "../../src/models/langchain-model.js";
import { collectReply, type Message, type ModelRequest } from "../../src/models/port.js";
import { request } from "../models/requests.js";
import { type Speaker, speakers } from "./speakers.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A provider's server that answers with a text, and what it was sent. */
async function listening(speaker: Speaker, refuse?: (body: any) => string | null) {
  const bodies: any[] = [];
  server = createServer(async (incoming, response) => {
    let text = "";
    for await (const part of incoming) text += part;
    bodies.push(JSON.parse(text || "{}"));
    const words = refuse?.(bodies.at(-1)) ?? null;
    if (words === null) speaker.say(response, incoming, { kind: "text", text: "a cat" });
    else {
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: words } }));
    }
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const ask = (parts: Partial<ModelRequest>, model = langchainModel(speaker.model(url))) =>
    collectReply(model.call(request(parts)));
  return { ask, bodies, url };
}

const pixels = "iVBORw0KGgoAAAAAAAAA";
const showing = (part: object): Message => ({
  role: "user",
  content: "What is it?\n[image]",
  parts: [
    { type: "text", text: "What is it?" },
    { type: "image", ...part },
  ],
});
const shown = showing({ mediaType: "image/png", data: pixels });
const failure = (work: Promise<unknown>) =>
  work.then(
    () => Promise.reject(new Error("It succeeded.")),
    (error: DagError) => error,
  );
const speaking = (name: string) => speakers.find((one) => one.name === name) as Speaker;

it.each([
  ["anthropic", "functions.look:0", /^[\w-]+$/],
  ["anthropic", "toolu_1", /^toolu_1$/],
  ["openai", "functions.look:0", /^functions\.look:0$/],
])("%s is sent the id of a call as it takes it: %s", async (name, id, sent) => {
  const { ask, bodies } = await listening(speaking(name));
  await ask({
    messages: [
      { role: "user", content: "Look." },
      { role: "assistant", content: "", toolCalls: [{ id, name: "look", args: "{}" }] },
      { role: "tool", content: "rain", toolCallId: id, name: "look" },
    ],
  });
  const [called, answered] = bodies[0].messages.slice(-2);
  const given = called.tool_calls?.[0].id ?? called.content[0].id;
  expect(given).toMatch(sent);
  expect(answered.tool_call_id ?? answered.content[0].tool_use_id).toBe(given);
});

describe("an image", () => {
  it.each(["openai", "anthropic", "ollama", "google-genai", "google", "mistralai"])(
    "reaches %s as one",
    async (name) => {
      const { ask, bodies } = await listening(speaking(name));
      expect((await ask({ messages: [shown] })).text).toBe("a cat");
      const sent = JSON.stringify(bodies[0]);
      expect(sent).toContain(pixels);
      expect(sent).toContain("What is it?");
      expect(sent).not.toContain("[image");
    },
  );

  it("is refused unpaid where the model is known to see none", async () => {
    const { ask, bodies } = await listening(speaking("deepseek"));
    const error = await failure(ask({ messages: [shown] }));
    expect(error).toMatchObject({ code: "MODEL_CANNOT_READ", retryable: false });
    expect(error.message).toContain('"agent": it reads no images');
    expect(bodies).toHaveLength(0);
    const old = new ChatOpenAI({ model: "gpt-3.5-turbo", apiKey: "k" });
    expect(await failure(ask({ messages: [shown] }, langchainModel(old)))).toMatchObject({
      code: "MODEL_CANNOT_READ",
    });
  });

  it.each(["ollama", "google-genai", "google"])(
    "of an address is refused unpaid by %s, which takes bytes",
    async (name) => {
      const { ask, bodies } = await listening(speaking(name));
      const error = await failure(ask({ messages: [showing({ url: "https://x.example/a.png" })] }));
      expect(error).toMatchObject({ code: "MODEL_CANNOT_READ" });
      expect(error.message).toContain("not as an address");
      expect(bodies).toHaveLength(0);
    },
  );

  it.each([
    "image_url is only supported by certain models",
    "This model does not support image input",
    "messages[1].content must be a string",
    "unknown variant `image_url`, expected `text`",
  ])("that a server refuses with its own words is told so: %s", async (words) => {
    const { ask, bodies } = await listening(speaking("openai"), () => words);
    const error = await failure(ask({ messages: [shown] }));
    expect(error).toMatchObject({ code: "MODEL_CANNOT_READ", status: 400, retryable: false });
    expect(error.message).toContain(words);
    expect(bodies).toHaveLength(1);
  });

  it.each(["openai", "anthropic", "ollama", "google-genai", "google"])(
    "of a tool reaches %s after the answer",
    async (name) => {
      const { ask, bodies } = await listening(speaking(name));
      const tool = { name: "camera", description: "Looks.", parameters: { type: "object", properties: {} } };
      const messages: Message[] = [
        { role: "user", content: "look" },
        { role: "assistant", content: "", toolCalls: [{ id: "call_0_0", name: "camera", args: "{}" }] },
        {
          role: "tool",
          content: "[image image/png, 15 bytes]",
          parts: [{ type: "image", mediaType: "image/png", data: pixels }],
          toolCallId: "call_0_0",
          name: "camera",
        },
      ];
      expect((await ask({ messages, tools: [tool] })).text).toBe("a cat");
      expect(JSON.stringify(bodies[0])).toContain(pixels);
    },
  );

  it.each(["mistralai", "deepseek"])("of a tool is told in words to %s", async (name) => {
    const { ask, bodies } = await listening(speaking(name));
    const tool = { name: "camera", description: "Looks.", parameters: { type: "object", properties: {} } };
    const messages: Message[] = [
      { role: "user", content: "look" },
      { role: "assistant", content: "", toolCalls: [{ id: "abcdefghi", name: "camera", args: "{}" }] },
      {
        role: "tool",
        content: "[image image/png, 15 bytes]",
        parts: [{ type: "image", mediaType: "image/png", data: pixels }],
        toolCallId: "abcdefghi",
        name: "camera",
      },
    ];
    await ask({ messages, tools: [tool] });
    const sent = JSON.stringify(bodies[0]);
    expect(sent).not.toContain(pixels);
    expect(sent).toContain("This cannot be shown");
  });

  it("of a tool reaches a model that cannot read what stands beside it", async () => {
    const { ask, bodies } = await listening(speaking("openai"));
    const messages: Message[] = [
      { role: "user", content: "look" },
      { role: "assistant", content: "", toolCalls: [{ id: "c", name: "camera", args: "{}" }] },
      {
        role: "tool",
        content: "[image image/png, 15 bytes]\n[file audio/wav, 12 bytes]",
        parts: [
          { type: "image", mediaType: "image/png", data: pixels },
          { type: "file", mediaType: "audio/wav", data: "UklGRgAAAABXQVZF" },
        ],
        toolCallId: "c",
        name: "camera",
      },
    ];
    await ask({ messages });
    const sent = JSON.stringify(bodies[0]);
    expect(sent).toContain(pixels);
    expect(sent).not.toContain("UklGRgAAAABXQVZF");
    expect(sent).toContain("This cannot be shown: of files it reads PDF only");
  });
});

describe("a file", () => {
  const pdf: Message = {
    role: "user",
    content: "Read it.\n[file a.pdf]",
    parts: [
      { type: "text", text: "Read it." },
      { type: "file", mediaType: "application/pdf", data: "JVBERi0xLjQK", name: "a.pdf" },
    ],
  };
  it.each(["openai", "anthropic", "google-genai", "google"])("of PDF reaches %s", async (name) => {
    const { ask, bodies } = await listening(speaking(name));
    expect((await ask({ messages: [pdf] })).text).toBe("a cat");
    expect(JSON.stringify(bodies[0])).toContain("JVBERi0xLjQK");
  });

  it.each(["ollama", "mistralai", "deepseek"])("is refused unpaid by %s, which reads none", async (name) => {
    const { ask, bodies } = await listening(speaking(name));
    expect(await failure(ask({ messages: [pdf] }))).toMatchObject({ code: "MODEL_CANNOT_READ" });
    expect(bodies).toHaveLength(0);
  });
});

it("joins messages of one role for a server that wants roles to alternate, once it has said so", async () => {
  const { ask, bodies, url } = await listening(speaking("openai"), ({ messages }) =>
    messages.some(({ role }: any, i: number) => role !== "system" && role === messages[i + 1]?.role)
      ? "Conversation roles must alternate user/assistant/user/assistant/..."
      : null,
  );
  const model = langchainModel(speaking("openai").model(url));
  const messages: Message[] = [shown, { role: "user", content: "And the data." }];
  expect((await ask({ messages }, model)).text).toBe("a cat");
  await ask({ messages }, model);
  expect(bodies).toHaveLength(3);
  expect(bodies[1].messages.map(({ role }: any) => role)).toEqual(["user"]);
  expect(JSON.stringify(bodies[1])).toContain("And the data.");
  expect(JSON.stringify(bodies[1])).toContain(pixels);
});
