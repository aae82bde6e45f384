import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { DynamicStructuredTool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import { expectTypeOf } from "expect-type";
import { z } from "zod";
import {
  type ChatMessage,
  defineDag,
  loadDag,
  type Model,
  type ModelRequest,
  messages,
  resume,
  run,
  topologyNames,
  validate,
} from "../../src/index.js";
import { cassette } from "../../src/testing/cassette.js";
import { scriptedModel } from "../../src/testing/scripted-model.js";
import { replyModel } from "../support/reply-model.js";

const pixels = "iVBORw0KGgo".padEnd(4_000, "A");
const chat = [
  { role: "user", content: "The phone is quick, but its battery is weak." },
  { role: "assistant", content: "Noted." },
  {
    role: "user",
    content: [
      { type: "text", text: "And what of this one?" },
      { type: "image", data: pixels },
    ],
  },
] as const;

/** A model that keeps what it was asked. */
function listening(answer: (request: ModelRequest) => string = ({ node }) => `${node} says so`) {
  const requests: ModelRequest[] = [];
  const model: Model = replyModel((request) => {
    requests.push(request);
    return answer(request);
  });
  const of = (node: string) => requests.filter((request) => request.node === node);
  return { model, requests, of };
}

const spec = defineDag({
  name: "advice",
  input: messages(),
  nodes: {
    facts: { instructions: "List the facts." },
    answer: { needs: ["facts"], instructions: "Answer the last question." },
  },
});

describe("a conversation as the input", () => {
  it("reaches agents as real messages, between the instructions and the needs", async () => {
    const { model, of } = listening();
    await run(spec, chat, { model });
    const [first] = of("facts");
    expect(first?.messages).toMatchObject([
      { role: "system", content: "List the facts." },
      { role: "user", content: "The phone is quick, but its battery is weak." },
      { role: "assistant", content: "Noted." },
      {
        role: "user",
        content: "And what of this one?\n[image image/png, 3 kB]",
        parts: [
          { type: "text", text: "And what of this one?" },
          { type: "image", mediaType: "image/png", data: pixels },
        ],
      },
    ]);
    const [second] = of("answer");
    expect(second?.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user", "user"]);
    expect(second?.messages.at(-1)?.content).toMatch(/data\..*begin facts\]\nfacts says so/s);
    expect(second?.messages.at(-1)?.content).not.toContain("begin input");
  });

  it.each(topologyNames)(
    "is answered on its text by the offline model, which says so: %s",
    async (topology) => {
      const record = await run(spec, chat, { model: "offline", topology });
      const notices = record.events.filter((event) => event.type === "notice");
      const agents = Object.values(record.outcomes).flatMap(({ state }) =>
        state === "completed" ? [state] : [],
      );
      if (agents.length > 0 && record.calls.some(({ node }) => node === "facts")) {
        expect(notices.map(({ message }) => message)).toContain(
          'The offline model reads text only: "facts" is answered without [image image/png, 3 kB].',
        );
      }
      expect(JSON.stringify(record)).not.toContain(pixels);
    },
  );

  it("cannot be answered offline where it holds an image alone", async () => {
    const only = defineDag({ name: "one", input: messages(), nodes: { a: { instructions: "Sum it up." } } });
    const input = [{ role: "user", content: [{ type: "image", data: pixels }] }] as const;
    const { outcomes } = await run(only, input, { model: "offline" });
    expect(outcomes.a).toMatchObject({ state: "failed", error: { code: "MODEL_CANNOT_READ" } });
  });

  it.each(["planned", "planned-dag"] as const)(
    "stands before what a planner is told: %s",
    async (topology) => {
      const { model, of } = listening(({ node }) =>
        node === "$planner" ? "1. facts()\njoin()" : `${node} done`,
      );
      await run(spec, chat, { model, topology });
      const roles = of("$planner")[0]?.messages.map(({ role }) => role);
      expect(roles).toEqual(["system", "user", "assistant", "user", "user"]);
      expect(of("$planner")[0]?.messages.at(-1)?.content).toContain("begin catalogue");
      expect(of("$planner")[0]?.messages[3]).toMatchObject({ parts: [{}, { type: "image" }] });
    },
  );

  it("is typed: what run takes, and what nodes see", () => {
    const typed = defineDag({
      name: "typed",
      input: messages(),
      nodes: {
        count: {
          run: ({ input }) => {
            expectTypeOf(input).toEqualTypeOf<readonly ChatMessage[]>();
            return input.length;
          },
        },
      },
    });
    // @ts-expect-error a text is no conversation
    const wrong = () => run(typed, "hello");
    expect(wrong).toBeInstanceOf(Function);
  });

  it("says of every mistake where it is", async () => {
    const broken: any = [
      { role: "tool", content: "x" },
      { role: "user" },
      "hello",
      { role: "user", content: [{ type: "video", url: "https://x.example/v" }, { type: "image" }] },
      { role: "user", content: [{ type: "image", data: "not base64!" }] },
      { role: "user", content: [{ type: "file", data: "QUJD" }] },
      { role: "system", content: [{ type: "image", data: pixels }] },
      { role: "user", content: " " },
      { role: "user", content: [{ type: "image", url: "ftp://x.example/a.png" }] },
      { role: "user", content: [{ type: "image", data: "[sha256:00 3 bytes]" }] },
    ];
    const error = await run(spec, broken, { model: "offline" }).catch((thrown: Error) => thrown);
    const { message } = error as Error;
    for (const place of [
      "0.role:",
      "1.content:",
      "2:",
      "3.content.0.type:",
      "3.content.1:",
      "4.content.0.data:",
      "5.content.0.mediaType:",
      "6.content:",
      "7.content:",
      "8.content.0.url:",
      "9.content.0.data:",
    ])
      expect(message).toContain(place);
    await expect(run(spec, [], { model: "offline" })).rejects.toThrow("The list of messages is empty");
    await expect(run(spec, "hello" as any, { model: "offline" })).rejects.toThrow('"role": "user"');
  });

  const picture = { type: "image", mediaType: "image/png", data: "iVBORw0KGgoA" };
  it.each([
    ["a data URL", { type: "image", url: "data:image/png;base64,iVBORw0KGgoA" }, picture],
    ["OpenAI", { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgoA" } }, picture],
    ["OpenAI's Responses", { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgoA" }, picture],
    [
      "Anthropic",
      { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgoA" } },
      picture,
    ],
    [
      "LangChain",
      { type: "image", source_type: "base64", mime_type: "image/png", data: "iVBORw0KGgoA" },
      picture,
    ],
    ["the AI SDK", { type: "image", image: "iVBORw0KGgoA", mediaType: "image/png" }, picture],
    [
      "the AI SDK's files",
      { type: "file", mediaType: "image/png", url: "data:image/png;base64,iVBORw0KGgoA" },
      picture,
    ],
    [
      "an address",
      { type: "image", url: "https://x.example/a.png" },
      { type: "image", url: "https://x.example/a.png" },
    ],
    [
      "OpenAI's files",
      { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0x" } },
      { type: "file", mediaType: "application/pdf", data: "JVBERi0x", name: "a.pdf" },
    ],
  ])("reads a part as %s writes it", async (_, part, expected) => {
    const { model, of } = listening();
    await run(spec, [{ role: "user", parts: [{ type: "text", text: "Look" }, part] } as any], { model });
    expect(of("facts")[0]?.messages[1]).toMatchObject({ parts: [{ text: "Look" }, expected] });
  });

  it("reads files of text itself, so that every model can", async () => {
    const { model, of } = listening();
    const data = Buffer.from("a,b\n1,2").toString("base64");
    const file = { type: "file", mediaType: "text/csv", data, name: "t.csv" };
    await run(spec, [{ role: "user", content: [{ type: "text", text: "Sum" }, file] }], { model });
    expect(of("facts")[0]?.messages[1]).toEqual({
      role: "user",
      content: "Sum\nFile t.csv (text/csv):\na,b\n1,2",
    });
  });

  it.each<[string, object, string]>([
    [
      "Anthropic",
      { type: "document", source: { type: "text", media_type: "text/plain", data: "Über uns" }, title: "T" },
      "T",
    ],
    [
      "LangChain",
      {
        type: "file",
        source_type: "text",
        mime_type: "text/plain",
        text: "Über uns",
        metadata: { name: "T" },
      },
      "T",
    ],
    ["LangChain's blocks", { type: "text-plain", text: "Über uns" }, "without a name"],
  ])("reads a file whose text stands in the part, as %s writes it", async (_, part, name) => {
    const { model, of } = listening();
    await run(spec, [{ role: "user", content: [part as any] }], { model });
    expect(of("facts")[0]?.messages[1]).toEqual({
      role: "user",
      content: `File ${name} (text/plain):\nÜber uns`,
    });
  });

  it("puts what the conversation says as the system behind the instructions", async () => {
    const { model, of } = listening();
    await run(spec, [{ role: "system", content: "Be brief." }, ...chat], { model });
    expect(of("facts")[0]?.messages[0]).toEqual({ role: "system", content: "List the facts.\n\nBe brief." });
    expect(of("facts")[0]?.messages.filter(({ role }) => role === "system")).toHaveLength(1);
  });

  it("can be a field of the input, beside data", async () => {
    const { model, of } = listening();
    const beside = defineDag({
      name: "beside",
      input: z.object({ chat: messages(), locale: z.string() }),
      nodes: { a: { instructions: "Answer." } },
    });
    await run(beside, { chat, locale: "de" }, { model });
    expect(of("a")[0]?.messages.map(({ role }) => role)).toEqual([
      "system",
      "user",
      "assistant",
      "user",
      "user",
    ]);
    expect(of("a")[0]?.messages.at(-1)?.content).toContain("begin input.locale]\nde");
    expect(JSON.stringify(of("a")[0]?.messages.at(-1))).not.toContain(pixels);
  });

  it("reaches graph nodes, and maps give one message each", async () => {
    const { model, of } = listening();
    const outer = defineDag({
      name: "outer",
      input: messages(),
      nodes: {
        inner: { dag: spec },
        each: { forEach: { input: true }, instructions: "Judge it." },
        end: { needs: ["inner", "each"], include: "needs", instructions: "End." },
      },
    });
    const record = await run(outer, chat, { model });
    expect(record.state).toBe("completed");
    expect(of("inner/facts")[0]?.messages).toHaveLength(4);
    expect(of("each").map(({ messages: [, message] }) => message?.role)).toEqual([
      "user",
      "assistant",
      "user",
    ]);
    expect(of("each")[2]?.messages[1]).toMatchObject({ parts: [{}, { type: "image", data: pixels }] });
    expect(of("end")[0]?.messages.map(({ role }) => role)).toEqual(["system", "user"]);
  });

  it("goes on in the next turn, on the same thread too", async () => {
    const { model, of } = listening(({ messages: asked }) => `${asked.length} messages`);
    const checkpointer = new MemorySaver();
    const options = { model, checkpointer, thread: "t" };
    const first = await run(spec, chat, options);
    const next = [
      ...chat,
      { role: "assistant", content: first.output },
      { role: "user", content: "And why?" },
    ] as const;
    const second = await run(spec, next, options);
    expect(second.state).toBe("completed");
    expect(of("facts")[1]?.messages.slice(-2)).toEqual(next.slice(-2));
    await expect(run(spec, [{ role: "user", content: "Else" }], options)).rejects.toThrow("another input");
  });

  it("is whole again when a run is resumed, though its record keeps a digest of the bytes", async () => {
    const checkpointer = new MemorySaver();
    const asks = defineDag({
      name: "asks",
      input: messages(),
      nodes: {
        ok: { approve: { message: "Go on?", show: [{ input: true }] } },
        look: { needs: ["ok"], include: "input", instructions: "Look." },
      },
    });
    const { model, of } = listening();
    const waiting = await run(asks, chat, { model, checkpointer, thread: "t" });
    expect(waiting.state).toBe("interrupted");
    expect(JSON.stringify(waiting.input)).toMatch(/\[sha256:[0-9a-f]{16} 3000 bytes\]/);
    expect(JSON.stringify(waiting)).not.toContain(pixels);
    const done = await resume(asks, { model, checkpointer, thread: "t", answer: true });
    expect(done.state).toBe("completed");
    expect(of("look")[0]?.messages[3]).toMatchObject({ parts: [{}, { data: pixels }] });
    const reused = await run(asks, chat, {
      model,
      checkpointer: new MemorySaver(),
      thread: "u",
      reuse: done,
    });
    expect(reused.outcomes.look).toMatchObject({ reused: true });
  });

  it("is replayed from a cassette, which keeps no bytes of images", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "chat-")), "chat.yaml");
    const recorded = await run(spec, chat, {
      model: replyModel(),
      use: [cassette(file, { mode: "record" })],
    });
    expect(readFileSync(file, "utf8")).not.toContain(pixels.slice(0, 2_000));
    const dead = replyModel(() => Promise.reject(new Error("asked")));
    const replayed = await run(spec, chat, { model: dead, use: [cassette(file, { mode: "replay" })] });
    expect(replayed.output).toEqual(recorded.output);
  });

  it("keeps texts of calls with the names of images in their place", async () => {
    const record = await run(spec, chat, { model: replyModel(), texts: true });
    expect(JSON.stringify(record.events)).toContain("[image image/png, 3 kB]");
    expect(JSON.stringify(record)).not.toContain(pixels);
  });

  it("is written in files as `input: messages`", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "chat-")), "chat.yaml");
    const yaml =
      "name: chat\ninput: messages\nexample:\n  - { role: user, content: Hi }\nnodes:\n  a: { instructions: Answer. }\n";
    writeFileSync(file, yaml);
    const loaded = await loadDag(file);
    const { model, of } = listening();
    await run(loaded, chat, { model });
    expect(of("a")[0]?.messages).toHaveLength(4);
    expect(validate({ ...spec, input: { type: "array", format: "messages" } })).toEqual([]);
    writeFileSync(file, yaml.replace("role: user", "role: nobody"));
    await expect(loadDag(file)).rejects.toThrow(/0\.role/);
  });
});

describe("images of tools", () => {
  const tool = (value: unknown) =>
    new DynamicStructuredTool({
      name: "camera",
      description: "Takes a picture.",
      schema: z.object({}),
      func: async () => value,
    });
  const told = async (value: unknown) => {
    const model = scriptedModel({
      a: [{ toolCalls: [{ name: "camera", args: {} }] }, "A cat."],
    });
    const dag = defineDag({ name: "see", nodes: { a: { instructions: "Look.", tools: [tool(value)] } } });
    const record = await run(dag, "look", { model });
    expect(record.state).toBe("completed");
    return model.calls[1]?.messages.at(-1);
  };

  it("reach the model as images", async () => {
    const blocks = [
      { type: "text", text: "Here:" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${pixels}` } },
    ];
    expect(await told(blocks)).toMatchObject({
      role: "tool",
      content: "Here:\n[image image/png, 3 kB]",
      parts: [{ text: "Here:" }, { type: "image", mediaType: "image/png", data: pixels }],
    });
  });

  it("never reach it as text, nor do sounds", async () => {
    const message = await told([
      { type: "audio", source_type: "base64", mime_type: "audio/wav", data: pixels },
    ]);
    expect(message?.content).toContain("[audio");
    expect(message?.content).not.toContain(pixels.slice(0, 1_000));
    expect(
      await told([
        { type: "text", text: "one" },
        { type: "text", text: "two" },
      ]),
    ).toMatchObject({
      content: "one\ntwo",
    });
    expect(await told({ type: "text", text: "one", structuredContent: { n: 1 } })).toMatchObject({
      content: "one",
    });
    expect(await told([{ type: "cat", legs: 4 }])).toMatchObject({
      content: expect.stringContaining('"legs": 4'),
    });
  });
});
