import { DagError } from "../errors.js";
import { assertNoError } from "./reply-error.js";

/** A whole reply, which is an error where its body says so. @throws SyntaxError for a body that is not JSON. */
export function parseCompletion(text: string, response: Response): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    const type = response.headers.get("content-type") ?? "unknown type";
    const words = wordsOfPage(text);
    throw new SyntaxError(`a body that is not JSON (${type})${words === "" ? "" : `: ${words}`}`);
  }
  return assertReply(body);
}

/** The first words of a page: a text without its tags, in one line of at most 200 characters. */
export const wordsOfPage = (page: string): string =>
  page
    .replace(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/gi, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 200);

/** One event of a streamed reply. @throws SyntaxError for one that is not JSON. */
export function parseEvent(data: string): unknown {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    throw new SyntaxError(`an event that is not JSON: ${data.slice(0, 200)}`);
  }
  return assertReply(event);
}

/** Whether the last event of a stream was broken off in its middle: that is a cut, and no event of the server's. */
export const isBrokenOff = (data: string): boolean =>
  (/^\s*[{[]/.test(data) && !isJson(data)) || "[DONE]".startsWith(data.trim());

/** A body or event that is neither an error nor words of a gateway. */
function assertReply(body: unknown): unknown {
  if (typeof body === "string") throw new SyntaxError(`a text in place of a reply: ${body.slice(0, 200)}`);
  assertNoError(body);
  return body;
}

/** The error of a reply that is larger than any sensible one. */
export function replyTooLarge(what: string): DagError {
  return new DagError("MODEL_REPLY_TOO_LARGE", `The model's reply was ended: ${what}.`, {
    hint: "Set `modelOptions.maxTokens`, or check that the base URL is that of a model server.",
  });
}

/** Whether a text is JSON as it stands. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
