import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import type { DagError } from "../../src/errors.js";
import { defineDag, run } from "../../src/index.js";
import { assertWhole } from "../../src/models/finish-reason.js";
import { langchainModel } from "../../src/models/langchain-model.js";
import { collectReply, type Message, type ModelRequest, saidBy } from "../../src/models/port.js";
import { request } from "../models/requests.js";
import { featureTable, type Remark, tableInDocs } from "./feature-table.js";
import { type Saying, type Speaker, speakers } from "./speakers.js";

let server: Server | undefined;
afterEach(() => close());
afterAll(() => close());

function close() {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
}

/** Whether a request asks for its reply in one piece. */
const asksForWhole = (body: { stream?: boolean }, url = "") => body.stream !== true && !/stream/i.test(url);

async function speaking(speaker: Speaker, ...sayings: readonly Saying[]) {
  const bodies: any[] = [];
  let gone: () => void = () => {};
  let came: () => void = () => {};
  const arrived = new Promise<void>((resolve) => {
    came = resolve;
  });
  const clientGone = new Promise<void>((resolve) => {
    gone = resolve;
  });
  server = createServer(async (incoming, response) => {
    let text = "";
    for await (const part of incoming) text += part;
    bodies.push(JSON.parse(text || "{}"));
    came();
    response.on("close", () => response.writableFinished || gone());
    const saying = sayings[Math.min(bodies.length, sayings.length) - 1];
    if (saying?.kind === "text" && speaker.whole && asksForWhole(bodies.at(-1), incoming.url)) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(speaker.whole(saying.text)));
    } else if (saying !== undefined) speaker.say(response, incoming, saying);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const instance = speaker.model(`http://127.0.0.1:${port}`);
  const model = langchainModel(instance);
  const ask = async (parts: Partial<ModelRequest> = {}) => {
    const reply = await collectReply(model.call(request(parts)));
    assertWhole(model.id, reply);
    return reply;
  };
  return { ask, bodies, arrived, clientGone, instance };
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => Promise.reject(new Error("It succeeded.")),
    (error: DagError) => error,
  );

const schema = {
  type: "object",
  properties: { label: { type: "string" } },
  required: ["label"],
  additionalProperties: false,
};
const clock = { name: "clock", description: "The time.", parameters: { type: "object", properties: {} } };

type Feature = readonly [
  name: string,
  proof: (speaker: Speaker) => Promise<void>,
  remarks?: Readonly<Record<string, Remark>>,
];

/** A reply that was ended, by what its error has to be. */
const ended = (saying: Saying, code: string | RegExp, retryable: boolean) => async (speaker: Speaker) => {
  const { ask, bodies } = await speaking(speaker, saying);
  const error = await failure(ask());
  expect(error.code).toMatch(code);
  expect(error.retryable).toBe(retryable);
  if (saying.kind === "overloaded") expect(error.message).toContain("busy, come back");
  expect(bodies).toHaveLength(1);
};

const words = {
  forced:
    "A forced tool carries the answer. Anthropic refuses one beside thinking: then the schema is put in words.",
  format: "As the request's `format`.",
  refused:
    "A strict schema; DeepSeek's own server refuses the format, which is learnt with the first request of a run.",
  client:
    "Its package's client takes no signal before the reply begins; this package's view of it ends the request.",
  headers: "Its package keeps no header of a refusal: the retry waits by the policy.",
  streams: "Its package asks for streams only, and joins them.",
  price: "`null`: a model that runs on a machine of yours has no list price; name one with `prices`.",
};

const features: readonly Feature[] = [
  [
    "text, streamed",
    async (speaker) => {
      const { ask } = await speaking(speaker, { kind: "text", text: "Good day" });
      expect(await ask()).toMatchObject({ text: "Good day" });
    },
  ],
  [
    "text, fetched whole when nobody reads along",
    async (speaker) => {
      const { ask, bodies } = await speaking(speaker, { kind: "text", text: "Good day" });
      expect(await ask({ stream: false })).toMatchObject({ text: "Good day", usage: { inputTokens: 12 } });
      if (speaker.whole) expect(bodies[0].stream ?? false).toBe(false);
    },
    { ollama: { note: words.streams }, mistralai: { note: words.streams } },
  ],
  [
    "structured output",
    async (speaker) => {
      const { ask } = await speaking(
        speaker,
        ["anthropic", "google-genai", "google", "mistralai"].includes(speaker.name)
          ? { kind: "tool", name: "answer", args: { label: "x" } }
          : { kind: "text", text: '{"label":"x"}' },
      );
      expect(JSON.parse((await ask({ schema })).text)).toEqual({ label: "x" });
    },
    {
      anthropic: { note: words.forced },
      "google-genai": { note: words.forced },
      google: { note: words.forced },
      mistralai: { note: words.forced },
      ollama: { note: words.format },
      deepseek: { note: words.refused },
    },
  ],
  [
    "tool without arguments, there and back",
    async (speaker) => {
      const { ask, bodies } = await speaking(
        speaker,
        { kind: "tool", name: "clock", args: {} },
        { kind: "tool", name: "clock", args: {} },
      );
      const first = await ask({ tools: [clock] });
      expect(first.toolCalls).toMatchObject([{ name: "clock" }]);
      const id = first.toolCalls[0]?.id || "call_0_0";
      const said = saidBy({
        ...first,
        toolCalls: [{ name: "clock", args: first.toolCalls[0]?.args ?? "", id }],
      });
      const answer: Message = { role: "tool", toolCallId: id, name: "clock", content: "12:00" };
      const again = await ask({ tools: [clock], messages: [...request().messages, said, answer] });
      expect(again.toolCalls).toMatchObject([{ name: "clock" }]);
      expect(JSON.stringify(bodies[1])).toContain("12:00");
      expect(JSON.stringify(bodies[1])).not.toContain("invalid_json");
    },
  ],
  [
    "usage",
    async (speaker) => {
      const { ask } = await speaking(speaker, { kind: "text", text: "Good day" });
      expect((await ask()).usage).toMatchObject({ inputTokens: 12, outputTokens: 5 });
    },
  ],
  [
    "cost, by the model's list price",
    async (speaker) => {
      const { instance } = await speaking(speaker, { kind: "text", text: "Good day" });
      const spec = defineDag({ name: "cost", nodes: { a: { instructions: "Greet." } } });
      const record = await run(spec, "hi", { model: instance, onEvent: () => {} });
      const cost = record.calls[0]?.costUsd ?? null;
      expect([speaker.name, cost !== null && cost > 0]).toEqual([speaker.name, speaker.name !== "ollama"]);
    },
    { ollama: { gap: words.price } },
  ],
  ["cut at the limit: `REPLY_TRUNCATED`", ended({ kind: "length", text: "half" }, "REPLY_TRUNCATED", false)],
  [
    "refused or withheld: `MODEL_REFUSED`, `MODEL_CONTENT_FILTERED`",
    ended({ kind: "withheld" }, /MODEL_(CONTENT_FILTERED|REFUSED)/, false),
  ],
  [
    "broken off in mid-stream: told, retryable",
    ended({ kind: "broken", text: "half" }, /MODEL_(STREAM_CUT|CONNECTION_LOST|BAD_RESPONSE)/, true),
  ],
  [
    "overloaded: `MODEL_SERVER_ERROR` with its words, one request",
    ended({ kind: "overloaded" }, "MODEL_SERVER_ERROR", true),
  ],
  [
    "`retry-after` is waited for",
    async (speaker) => {
      const { ask } = await speaking(speaker, { kind: "overloaded", retryAfter: "7" });
      const heard = speaker.name !== "google-genai";
      expect([speaker.name, (await failure(ask())).retryAfterMs]).toEqual([
        speaker.name,
        heard ? 7000 : undefined,
      ]);
    },
    { "google-genai": { gap: words.headers } },
  ],
  [
    "an abort ends the request on the wire",
    async (speaker) => {
      const { ask, arrived, clientGone } = await speaking(speaker);
      const controller = new AbortController();
      const failed = failure(ask({ signal: controller.signal }));
      await arrived;
      controller.abort();
      expect((await failed).code).toBe("ABORTED");
      await clientGone;
    },
    { ollama: { note: words.client }, mistralai: { note: words.client } },
  ],
];

const table = featureTable("");
describe("every provider", () => {
  for (const [name, proof, remarks = {}] of features) {
    for (const speaker of speakers)
      table.proves(name, speaker.name, remarks[speaker.name] ?? {}, () => proof(speaker));
  }
});

it("is told in docs/providers.md as it is tested (UPDATE_DOCS=1 writes it there)", () => {
  expect(tableInDocs("providers", table.markdown())).toBe(table.markdown());
});
