import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import type { DagError } from "../../src/errors.js";
import { assertWhole } from "../../src/models/finish-reason.js";
import { langchainModel } from "../../src/models/langchain-model.js";
import { collectReply, type Message, type ModelRequest, saidBy } from "../../src/models/port.js";
import { request } from "../models/requests.js";
import { type Saying, type Speaker, speakers } from "./speakers.js";

let server: Server | undefined;
afterEach(() => close());
afterAll(() => close());

function close() {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
}

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
    if (saying !== undefined) speaker.say(response, incoming, saying);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const model = langchainModel(speaker.model(`http://127.0.0.1:${port}`));
  const ask = async (parts: Partial<ModelRequest> = {}) => {
    const reply = await collectReply(model.call(request(parts)));
    assertWhole(model.id, reply);
    return reply;
  };
  return { ask, bodies, arrived, clientGone };
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

describe.each(speakers.map((speaker) => [speaker.name, speaker] as const))("%s", (_, speaker) => {
  it("gives text, its usage and its end", async () => {
    const { ask } = await speaking(speaker, { kind: "text", text: "Good day" });
    expect(await ask()).toMatchObject({ text: "Good day", usage: { inputTokens: 12, outputTokens: 5 } });
  });

  // The other servers here speak in streams only.
  const whole = speaker.name === "openai" || speaker.name === "deepseek" ? it : it.skip;
  whole("gives the same when nobody reads along", async () => {
    const { ask } = await speaking(speaker, { kind: "text", text: "Good day" });
    expect((await ask({ stream: false })).text).toBe("Good day");
  });

  it("calls a tool without arguments, and gets the call back as it was", async () => {
    const { ask, bodies } = await speaking(
      speaker,
      { kind: "tool", name: "clock", args: {} },
      { kind: "text", text: "noon" },
    );
    const first = await ask({ tools: [clock] });
    expect(first.toolCalls).toMatchObject([{ name: "clock" }]);
    const id = first.toolCalls[0]?.id || "call_0_0";
    const said = saidBy({
      ...first,
      toolCalls: [{ name: "clock", args: first.toolCalls[0]?.args ?? "", id }],
    });
    const answer: Message = { role: "tool", toolCallId: id, name: "clock", content: "12:00" };
    expect((await ask({ tools: [clock], messages: [...request().messages, said, answer] })).text).toBe(
      "noon",
    );
    expect(JSON.stringify(bodies[1])).not.toContain("invalid_json");
  });

  it("answers in the shape of a schema", async () => {
    const { ask } = await speaking(
      speaker,
      ["anthropic", "google-genai", "mistralai"].includes(speaker.name)
        ? { kind: "tool", name: "answer", args: { label: "x" } }
        : { kind: "text", text: '{"label":"x"}' },
    );
    expect(JSON.parse((await ask({ schema })).text)).toEqual({ label: "x" });
  });

  it.each([
    ["at the limit", { kind: "length", text: "half" }, "REPLY_TRUNCATED", false],
    ["by the provider", { kind: "withheld" }, /MODEL_(CONTENT_FILTERED|REFUSED)/, false],
    [
      "in mid-stream",
      { kind: "broken", text: "half" },
      /MODEL_(STREAM_CUT|CONNECTION_LOST|BAD_RESPONSE)/,
      true,
    ],
    ["before it begins, by overload", { kind: "overloaded" }, "MODEL_SERVER_ERROR", true],
  ] as const)("tells a reply that was ended %s", async (_, saying, code, retryable) => {
    const { ask, bodies } = await speaking(speaker, saying);
    const error = await failure(ask());
    expect(error.code).toMatch(code);
    expect(error.retryable).toBe(retryable);
    if (saying.kind === "overloaded") expect(error.message).toContain("busy, come back");
    expect(bodies).toHaveLength(1);
  });

  it("ends on the wire when it is aborted", async () => {
    const { ask, arrived, clientGone } = await speaking(speaker);
    const controller = new AbortController();
    const failed = failure(ask({ signal: controller.signal }));
    await arrived;
    controller.abort();
    expect((await failed).code).toBe("ABORTED");
    await clientGone;
  });
});
