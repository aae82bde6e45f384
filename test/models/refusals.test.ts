import { describe, expect, it } from "@jest/globals";
import { learnRefusal, type Optional, type Refusals } from "../../src/models/refusals.js";
import { assertNoError } from "../../src/models/reply-error.js";

/** What a request holds that it can do without. */
const sent: ReadonlySet<Optional> = new Set<Optional>([
  ...(["stream", "stream_options", "temperature", "max_tokens", "system"] as const),
  ...(["repeated_role", "strict"] as const),
]);

/** An error as OpenAI's client makes it. */
const refusal = (status: number | undefined, error: Record<string, unknown>) =>
  Object.assign(new Error(status === undefined ? `${error.message}` : `${status} ${error.message}`), {
    ...(status !== undefined && { status }),
    error,
  });

function learnt(error: unknown, parts: ReadonlySet<Optional> = sent): readonly Optional[] {
  const refusals: Refusals = new Set();
  learnRefusal(refusals, parts, error);
  return [...refusals];
}

describe("what a server refuses is learnt", () => {
  it.each<[string, unknown, Optional]>([
    ["a parameter", refusal(400, { message: "Unsupported parameter", param: "response_format" }), "strict"],
    [
      "another one",
      refusal(400, { message: "Unsupported parameter", param: "stream_options" }),
      "stream_options",
    ],
    [
      "streaming",
      refusal(400, { message: "Verify your organization to stream.", param: "stream" }),
      "stream",
    ],
    [
      "a role by its value",
      refusal(400, { message: "'messages[0].role' does not support 'system' with this model." }),
      "system",
    ],
    ["a role by a variant", refusal(422, { message: "unknown variant `system`, expected `user`" }), "system"],
    ["a schema by its grammar", refusal(400, { message: "Failed to compile grammar" }), "strict"],
    ["a schema by breaking down", refusal(500, { message: "json_schema: engine failed" }), "strict"],
    [
      "something, in a page",
      refusal(400, { message: "<html><body>Bad Request</body></html>" }),
      "stream_options",
    ],
    [
      "something, in no more than its status",
      refusal(501, { message: "Not implemented." }),
      "stream_options",
    ],
  ])("%s", (_, error, part) => {
    expect(learnt(error)[0]).toBe(part);
  });

  it("from an error in a reply of status 200", () => {
    const inReply = (body: object) => {
      try {
        assertNoError(body);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    expect(learnt(inReply({ error: "response_format is not supported" }))).toContain("strict");
    expect(learnt(inReply({ error: { message: "Unsupported", param: "temperature", code: 400 } }))).toEqual([
      "temperature",
    ]);
    expect(learnt(inReply({ error: { message: "temperature of the room", code: 503 } }))).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["a limit", refusal(429, { message: "too many tools" })],
    ["a failure that says format", refusal(500, { message: "The message's format could not be stored" })],
    ["a failure without words", refusal(500, { message: "" })],
    ["a failure that says system", refusal(500, { message: "system message lost" })],
    ["a long prompt", refusal(400, { message: "maximum context length is 4096 tokens" })],
    ["a lost connection", new Error("terminated")],
  ])("but not from %s", (_, error) => {
    expect(learnt(error)).toEqual([]);
  });
});
