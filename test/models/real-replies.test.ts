import { describe, expect, it } from "@jest/globals";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { defineDag } from "../../src/spec/define.js";
import {
  answer,
  messagesOf,
  once,
  server,
  structured,
  text,
  two,
  withTools,
} from "../support/real-replies.js";
import { beginStream, sendDelta, sendError, sendEvent } from "./raw-server.js";
import { calls, events, type Line, type Reply, says, stream } from "./replies.js";

describe("a reply that broke off", () => {
  it.each(["length", "max_tokens", "error", "content_filter", "pause_turn", "MALFORMED_FUNCTION_CALL"])(
    "with %s makes none of its tool calls",
    async (finish) => {
      const { made, spec } = withTools();
      const { outcome, requests } = await answer(spec, [calls("wipe", "", { finish })], once);
      expect(made).toEqual([]);
      expect(outcome.state).toBe("failed");
      expect(outcome.error.message).toContain(finish);
      expect(requests).toHaveLength(1);
    },
  );

  it("is no answer: a text cut at the limit fails with the text kept", async () => {
    const { outcome } = await answer(text, [says("as far as", "length")]);
    expect(outcome).toMatchObject({ state: "failed", error: { code: "REPLY_TRUNCATED", text: "as far as" } });
  });

  it("is an answer where the agent allows it, marked in the record", async () => {
    const spec = defineDag({
      name: "cut",
      nodes: { a: { instructions: "Speak.", modelOptions: { acceptTruncated: true } } },
    });
    const { outcome, record } = await answer(spec, [says("as far as", "length")]);
    expect(outcome).toMatchObject({ state: "completed", value: "as far as" });
    expect(record.calls[0]?.finishReason).toBe("length");
  });

  it("that the budget ended is an answer where the agent allows it, and the record says what ended it", async () => {
    const spec = defineDag({
      name: "cut",
      nodes: { a: { instructions: "Speak.", modelOptions: { acceptTruncated: true } } },
    });
    const long = stream(...Array.from({ length: 60 }, (): Line => [{ content: "word ".repeat(20) }]), [
      {},
      "stop",
    ]);
    const { outcome, record } = await answer(spec, [long], { limits: { maxTokens: 300 }, onEvent() {} });
    expect(outcome).toMatchObject({ state: "completed", value: expect.stringMatching(/^word (word )+$/) });
    expect(record.calls).toMatchObject([{ error: { code: "BUDGET_SPENT" } }]);
  });

  it.each([
    "error",
    "network_error",
    "insufficient_system_resource",
    "server_overloaded",
    "preempted",
    "repetition",
  ])("with %s is asked again, as any failure of the provider", async (finish) => {
    const { outcome, requests } = await answer(text, [says("The answer is", finish), says("42")], {
      policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
    });
    expect(outcome).toMatchObject({ state: "completed", value: "42" });
    expect(requests).toHaveLength(2);
  });
});

describe("a refusal", () => {
  it("is told once, with its words, in every topology", async () => {
    const refusal = stream(
      [{ role: "assistant", content: null, refusal: "" }],
      [{ refusal: "I can't help with that." }],
      [{}, "stop"],
    );
    const { outcome, requests } = await answer(structured, [refusal]);
    expect(outcome.error).toMatchObject({ code: "MODEL_REFUSED", text: "I can't help with that." });
    expect(requests).toHaveLength(1);
    await server?.close();
    const planned = await answer(two, [refusal], { topology: "planned" });
    expect(planned.record.state).toBe("failed");
    expect(planned.requests).toHaveLength(1);
  });
});

describe("thoughts", () => {
  const draft =
    '<think>\nFirst guess:\n```json\n{"label":"draft","score":0}\n```\nno.\n</think>\n{"label":"x","score":1}';

  it("are no part of a structured answer, a text or a plan, and are kept in the record", async () => {
    const first = await answer(structured, [says(draft)]);
    expect(first.outcome.value).toEqual({ label: "x", score: 1 });
    expect(first.requests).toHaveLength(1);
    expect(first.record.calls[0]?.thoughts).toContain("First guess");
    await server?.close();
    expect((await answer(text, [says("<think>secret</think>Hello")])).outcome.value).toBe("Hello");
    await server?.close();
    const plan = "<think>\n1. a()\njoin()\nHm, only b is needed.\n</think>\n1. b()\njoin()";
    const planned = await answer(two, [says(plan), says("B"), says("done")], { topology: "planned-dag" });
    expect(planned.record.outcomes).toMatchObject({ a: { state: "skipped" }, b: { value: "B" } });
  });

  it("are told apart in an answer that came as text where a tool was to carry it", async () => {
    const nodes = { a: { ...structured.nodes.a, modelOptions: { structured: "tool" as const } } };
    const { outcome, requests, record } = await answer(defineDag({ name: "tool", nodes }), [says(draft)]);
    expect(outcome.value).toEqual({ label: "x", score: 1 });
    expect(requests).toHaveLength(1);
    expect(record.calls[0]?.thoughts).toContain("First guess");
  });

  it.each([
    ["cut anywhere", ["<th", "ink>secr", "et</thi", "nk>\n\nHe", "llo"], "Hello"],
    ["without the first tag", ["I should greet.\n", "</think>\n\n", "Hello"], "Hello"],
    ["in brackets", ["[THINK]secret[/THINK]Hello"], "Hello"],
    ["in several blocks", ["<think>a</think>\n<thinking>b</thinking> Hello"], "Hello"],
  ])("%s are told apart", async (_, pieces, expected) => {
    const reply = stream(...pieces.map((content) => [{ role: "assistant", content }] as const), [{}, "stop"]);
    expect((await answer(text, [reply])).outcome.value).toBe(expected);
  });

  it("leave a tag alone that belongs to the answer", async () => {
    for (const words of ["The tag <think> opens, </think> closes.", '{"a":"<think>x</think>"}']) {
      expect((await answer(text, [says(words)])).outcome.value).toBe(words);
      await server?.close();
    }
  });

  it("go back as reasoning_content with the calls they led to", async () => {
    const { spec } = withTools();
    const call = { index: 0, id: "c1", function: { name: "weather", arguments: '{"city":"Rome"}' } };
    const { requests } = await answer(spec, [
      stream(
        [{ role: "assistant", reasoning_content: "Rome, " }],
        [{ reasoning_content: "then." }],
        [{ tool_calls: [call] }, "tool_calls"],
      ),
      says("done"),
    ]);
    expect(messagesOf(requests[1]).at(-2).reasoning_content).toBe("Rome, then.");
  });
});

describe("a key that a server writes into its reply", () => {
  const key = "qv7-Zx81mPl0Rw_secret-TOKEN-93jd";
  it.each<[string, Reply]>([
    [
      "into thoughts beside the answer",
      stream(
        [{ role: "assistant", reasoning_content: `It is ${key.slice(0, 9)}` }],
        [{ reasoning_content: key.slice(9) }],
        [{ content: "done" }],
        [{}, "stop"],
      ),
    ],
    ["into thoughts in the content", says(`<think>It is ${key}.</think>done`)],
    ["into the id of a call", calls("wipe", "{}", { id: key })],
    ["into a text that is cut", stream([{ role: "assistant", content: `It is ${key}` }, "length"])],
  ])("%s stands in no record", async (_, reply) => {
    const { spec } = withTools();
    const seen: unknown[] = [];
    const { record } = await answer(spec, [reply, says("done")], ({ url }) => ({
      model: new ChatOpenAI({ model: "gpt-4.1-mini", apiKey: key, configuration: { baseURL: url } }),
      onEvent: (event: unknown) => seen.push(event),
    }));
    expect(record.calls).not.toEqual([]);
    expect(JSON.stringify([record, seen])).not.toContain(key.slice(0, 12));
    expect(JSON.stringify(record)).toContain("[redacted]");
  });
});

describe("an error inside a reply of status 200", () => {
  it("that has no body is told as such", async () => {
    const { outcome } = await answer(text, [(response) => void response.writeHead(204).end()], once);
    expect(outcome.error).toMatchObject({
      code: "MODEL_BAD_RESPONSE",
      message: expect.stringContaining("no body at all (status 204)"),
    });
  });

  it.each([
    [
      "an event with code 400",
      events({ error: { message: "maximum context length is 4096 tokens", code: 400 } }),
      "MODEL_BAD_REQUEST",
      "maximum context length",
    ],
    [
      "an event with code 429",
      events({ error: { message: "slow down", code: 429 } }),
      "MODEL_RATE_LIMITED",
      "slow down",
    ],
    [
      "an event with code 503 as text",
      events({ error: { message: "no room", code: "503" } }),
      "MODEL_SERVER_ERROR",
      "no room",
    ],
    [
      "an overloaded event",
      events({ error: { message: "busy", type: "overloaded_error" } }),
      "MODEL_SERVER_ERROR",
      "busy",
    ],
    [
      "a body with code 429",
      json({ error: { message: "Rate limit exceeded", code: 429 } }),
      "MODEL_RATE_LIMITED",
      "Rate limit exceeded",
    ],
    [
      "a body with code 401",
      json({ error: { message: "bad key", code: 401 } }),
      "MODEL_UNAUTHORIZED",
      "bad key",
    ],
    [
      "a bare body",
      json({ object: "error", message: "no such model", code: 404 }),
      "MODEL_NOT_FOUND",
      "no such model",
    ],
    ["a body with a text", json({ error: "out of memory" }), "MODEL_SERVER_ERROR", "out of memory"],
    [
      "a list around it",
      json([{ error: { message: "exhausted", code: 429 } }]),
      "MODEL_RATE_LIMITED",
      "exhausted",
    ],
    [
      "a list of errors",
      json({ success: false, errors: [{ message: "no capacity", code: 503 }] }),
      "MODEL_SERVER_ERROR",
      "no capacity",
    ],
    [
      "a mark and words",
      json({ success: false, errorCode: "E1", errorMsg: "no room" }),
      "MODEL_SERVER_ERROR",
      "no room",
    ],
    [
      "bare JSON in a stream, on lines",
      (response) => {
        beginStream(response);
        sendDelta(response, { role: "assistant", content: "Half" });
        response.end(JSON.stringify({ error: { message: "slow down", code: 429 } }, null, 2));
      },
      "MODEL_RATE_LIMITED",
      "slow down",
    ],
    ["a list of details", json({ detail: [{ msg: "bad thing" }] }), "MODEL_SERVER_ERROR", "bad thing"],
  ])("is told as its status would be: %s", async (_, reply, code, words) => {
    const { outcome, requests } = await answer(text, [reply], once);
    expect(outcome.error.code).toBe(code);
    expect(outcome.error.message).toContain(words);
    expect(requests).toHaveLength(1);
  });

  it("with a code that cannot pass is not tried again", async () => {
    const { requests } = await answer(text, [events({ error: { message: "too long", code: 400 } })]);
    expect(requests).toHaveLength(1);
  });
});

function json(body: unknown) {
  return (response: import("node:http").ServerResponse) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
}

it.each([true, false])(
  "a stream that its server does not call one is read (watched: %s)",
  async (watched) => {
    const event = (delta: object, finish_reason: string | null) =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    const reply: Reply = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(`: hello\n\n${event({ content: "whole" }, null)}${event({}, "stop")}data: [DONE]\n\n`);
    };
    const { outcome, requests } = await answer(text, [reply], watched ? { onEvent: () => {} } : {});
    expect([outcome.value, requests.length]).toEqual(["whole", 1]);
  },
);

describe("a connection that stays open", () => {
  const open =
    (...rest: string[]) =>
    (response: import("node:http").ServerResponse) => {
      beginStream(response);
      sendDelta(response, { role: "assistant", content: "whole" });
      sendDelta(response, {}, "stop");
      sendEvent(response, { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } });
      for (const line of rest) response.write(line);
    };
  /** A reply that goes on with this for ever. */
  const pinging =
    (ping: string, reply: Reply): Reply =>
    (response, body) => {
      reply(response, body);
      const timer = setInterval(() => response.write(ping), 30);
      response.on("close", () => clearInterval(timer));
    };
  it.each([
    ["after its end mark", open("data: [DONE]\n\n")],
    ["after its finish reason", open()],
  ])("%s does not keep the answer", async (_, reply) => {
    const { outcome, requests, record } = await answer(text, [reply], { policy: { idleTimeoutMs: 300 } });
    expect(outcome).toMatchObject({ state: "completed", value: "whole" });
    expect(requests).toHaveLength(1);
    expect(record.calls[0]).toMatchObject({ inputTokens: 7, outputTokens: 3 });
  });

  it.each<[string, Reply, boolean]>([
    ["pings behind its finish reason", pinging(": ping\n\n", open()), true],
    [
      "white space behind a whole body",
      pinging("\n", (response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const choices = [
          { index: 0, message: { role: "assistant", content: "whole" }, finish_reason: "stop" },
        ];
        response.write(JSON.stringify({ choices, usage: { prompt_tokens: 7, completion_tokens: 3 } }));
      }),
      false,
    ],
  ])("with %s does not keep the answer", async (_, reply, streamed) => {
    const { outcome, record } = await answer(text, [reply], streamed ? { onEvent() {} } : {});
    expect(outcome).toMatchObject({ state: "completed", value: "whole" });
    expect(record.calls[0]).toMatchObject({ inputTokens: 7, outputTokens: 3 });
  });

  it("text without a finish reason is whole at the end mark", async () => {
    const { outcome } = await answer(text, [stream([{ role: "assistant", content: "whole" }])]);
    expect(outcome.value).toBe("whole");
  });
});

describe("structured output", () => {
  const refuses =
    (pattern: RegExp, parameter: string, message: string) =>
    (response: import("node:http").ServerResponse, body: Record<string, unknown>) => {
      if (parameter in body && pattern.test(JSON.stringify(body[parameter])))
        sendError(response, 400, { message });
      else if (Array.isArray(body.tools)) calls("answer", '{"label":"x","score":1}')(response);
      else says('{"label":"x","score":1}')(response);
    };
  it.each([
    [
      "any response_format",
      refuses(/./, "response_format", "This response_format type is unavailable now"),
      2,
    ],
    ["strict schemas", refuses(/"strict":true/, "response_format", "strict mode is not supported"), 2],
    ["schemas", refuses(/json_schema/, "response_format", "'json_schema' is not supported"), 2],
  ])("falls back by itself where a server refuses %s, asked once", async (_, reply, expected) => {
    const spec = defineDag({
      name: "pair",
      nodes: { a: structured.nodes.a as any, b: { ...(structured.nodes.a as any), needs: ["a"] } },
    });
    const { record, requests } = await answer(spec, [reply]);
    expect(record.outcomes).toMatchObject({
      a: { value: { label: "x", score: 1 } },
      b: { state: "completed" },
    });
    expect(requests).toHaveLength(expected + 1);
  });

  it("does not ask again after another 400", async () => {
    const { requests } = await answer(structured, [
      (response) => sendError(response, 400, { message: "no such field: user" }),
    ]);
    expect(requests).toHaveLength(1);
  });

  it.each([
    [
      "two fences, the schema first",
      'The schema:\n```json\n{"type":"object"}\n```\nSo:\n```json\n{"label":"x","score":1}\n```',
    ],
    ["a fence of another spelling", '~~~JSON5\r\n{"label":"x","score":1}\r\n~~~'],
    ["prose around", 'Here {it} is: {"label":"x","score":1} and done.'],
    ["a wrapper", '{"answer":{"label":"x","score":1}}'],
    ["a list of one", '[{"label":"x","score":1}]'],
    ["JSON within quotes", JSON.stringify('{"label":"x","score":1}')],
    ["the same twice", '{"label":"x","score":1}\n\n{"score":1,"label":"x"}'],
  ])("is found in %s", async (_, content) => {
    const { outcome, requests } = await answer(structured, [says(content)]);
    expect(outcome.value).toEqual({ label: "x", score: 1 });
    expect(requests).toHaveLength(1);
  });

  it("does not guess between two that fit, and states the schema when it asks again", async () => {
    const { outcome, requests } = await answer(structured, [
      says('{"label":"x","score":1} or {"label":"y","score":2}'),
      says('{"label":"y","score":2}'),
    ]);
    expect(outcome.value).toEqual({ label: "y", score: 2 });
    expect(JSON.stringify(messagesOf(requests[1]).at(-1))).toContain("properties");
  });

  it("takes words for a schema of words", async () => {
    const spec = defineDag({
      name: "yes",
      nodes: { a: { instructions: "?", output: z.enum(["yes", "no"]) } },
    });
    expect((await answer(spec, [says("yes")])).outcome.value).toBe("yes");
  });

  it("takes null for absent at an optional key", async () => {
    const spec = defineDag({
      name: "optional",
      nodes: { a: { instructions: "?", output: z.object({ a: z.string(), b: z.string().optional() }) } },
    });
    const { outcome, requests } = await answer(spec, [says('{"a":"x","b":null}')]);
    expect(outcome.value).toEqual({ a: "x" });
    expect(requests).toHaveLength(1);
  });
});
