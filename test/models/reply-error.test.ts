import { describe, expect, it } from "@jest/globals";
import type { DagError } from "../../src/errors.js";
import { toModelError } from "../../src/models/model-error.js";
import { parseCompletion, parseEvent } from "../../src/models/reply-body.js";

const words = "slow down, friend";

/** What comes of a body of status 200. */
function told(body: unknown): DagError | "a reply" {
  const text = JSON.stringify(body);
  try {
    parseEvent(text);
    parseCompletion(text, new Response());
    return "a reply";
  } catch (error) {
    return toModelError(error, { model: "m", baseUrl: undefined, signal: new AbortController().signal });
  }
}

describe("an error in a reply of status 200", () => {
  it.each<[string, unknown, string, boolean]>([
    ["a mark and words beside it", { error: true, message: words }, "MODEL_SERVER_ERROR", true],
    ["a mark and a reason", { error: true, reason: words }, "MODEL_SERVER_ERROR", true],
    [
      "a word and words beside it",
      { error: "rate_limit_exceeded", message: words },
      "MODEL_RATE_LIMITED",
      true,
    ],
    [
      "a word and its description",
      { error: "invalid_request", error_description: words },
      "MODEL_BAD_REQUEST",
      false,
    ],
    ["a list in error", { error: [{ message: words, code: 429 }] }, "MODEL_RATE_LIMITED", true],
    [
      "an error within an error",
      { error: { error: { message: words, type: "rate_limit_exceeded" } } },
      "MODEL_RATE_LIMITED",
      true,
    ],
    ["a code and words", { code: "429", msg: words, success: false }, "MODEL_RATE_LIMITED", true],
    [
      "a number of its own",
      { error_code: 336501, error_msg: `Rate limit: ${words}` },
      "MODEL_RATE_LIMITED",
      true,
    ],
    [
      "a status beside no choices",
      { choices: null, base_resp: { status_code: 1002, status_msg: `rate limit, ${words}` } },
      "MODEL_RATE_LIMITED",
      true,
    ],
    [
      "a status beside empty choices",
      { choices: [], base_resp: { status_code: 1008, status_msg: `insufficient balance, ${words}` } },
      "MODEL_RATE_LIMITED",
      false,
    ],
    [
      "a word for a status",
      { error: { code: 8, message: words, status: "RESOURCE_EXHAUSTED" } },
      "MODEL_RATE_LIMITED",
      true,
    ],
    ["a status that failed", { status: "error", msg: words }, "MODEL_SERVER_ERROR", true],
    ["a reason and a status", { reason: words, status: 503 }, "MODEL_SERVER_ERROR", true],
    ["a title", { title: words, status: 401 }, "MODEL_UNAUTHORIZED", false],
    [
      "a fault",
      { fault: { faultstring: words, detail: { errorcode: "policies.ratelimit" } } },
      "MODEL_SERVER_ERROR",
      true,
    ],
    ["an exception's name", { message: words, __type: "ThrottlingException" }, "MODEL_RATE_LIMITED", true],
    ["Message in capitals", { Message: words }, "MODEL_SERVER_ERROR", true],
    [
      "in the message of a choice",
      { choices: [{ message: { content: null, error: { message: words } } }] },
      "MODEL_SERVER_ERROR",
      true,
    ],
    [
      "in the delta of a choice",
      { choices: [{ delta: { error: { message: words, code: 400 } } }] },
      "MODEL_BAD_REQUEST",
      false,
    ],
    [
      "a gateway's words, and those of the server behind it",
      { error: { message: "Provider returned error", code: 502, metadata: { raw: words } } },
      "MODEL_SERVER_ERROR",
      true,
    ],
    [
      "words that cannot pass",
      { error: { message: `This model's maximum context length: ${words}` } },
      "MODEL_BAD_REQUEST",
      false,
    ],
    ["a text in place of a reply", `error: ${words}`, "MODEL_BAD_RESPONSE", true],
  ])("as %s", (_, body, code, retryable) => {
    const error = told(body);
    expect(error).toMatchObject({ code, retryable, message: expect.stringContaining(words) });
  });

  const whole = { choices: [{ index: 0, message: { content: "fine" }, finish_reason: "stop" }] };
  it.each<[string, unknown]>([
    ["an empty error", { ...whole, error: {} }],
    ["no error", { ...whole, error: null }],
    [
      "a code of success",
      { ...whole, code: 0, msg: "success", base_resp: { status_code: 0, status_msg: "" } },
    ],
    ["words", { ...whole, message: "ok", detail: "from the cache", reason: "none" }],
    ["the counts alone", { choices: [], usage: { prompt_tokens: 1 }, message: "ok" }],
    ["a queue's mark", { status: "queued", title: "Waiting" }],
    ["an empty event", {}],
  ])("is none: %s", (_, body) => {
    expect(told(body)).toBe("a reply");
  });
});
