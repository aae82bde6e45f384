import { DagError } from "../errors.js";

/** A whole reply, which is an error where its body says so. @throws SyntaxError for a body that is not JSON. */
export function parseCompletion(text: string, response: Response): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    const type = response.headers.get("content-type") ?? "unknown type";
    const words = text
      .replace(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/gi, " ")
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, 200);
    throw new SyntaxError(`a body that is not JSON (${type})${words === "" ? "" : `: ${words}`}`);
  }
  assertNoError(body);
  return body;
}

/** One event of a streamed reply. @throws SyntaxError for one that is not JSON. */
export function parseEvent(data: string): unknown {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    throw new SyntaxError(`an event that is not JSON: ${data.slice(0, 200)}`);
  }
  assertNoError(event);
  return event;
}

/**
 * Asserts that a reply of status 200 is no error, in the forms that servers and gateways give one.
 * @throws Error with the words and the code that were given.
 */
export function assertNoError(body: unknown): void {
  // Google's servers put an error into a list.
  const event: unknown = Array.isArray(body) && body.length === 1 ? body[0] : body;
  if (!isRecord(event)) return;
  assertNotBlocked(event);
  const told = event.error ?? (event.object === "error" || event.type === "error" ? event : undefined);
  const choice: unknown = Array.isArray(event.choices) ? event.choices[0] : undefined;
  const inChoice = isRecord(choice) && isRecord(choice.error) ? choice.error : undefined;
  const bare =
    event.choices === undefined &&
    event.usage === undefined &&
    ["message", "detail", "error_msg", "errorMessage"].some((name) => typeof event[name] === "string")
      ? event
      : undefined;
  // Lists of errors, as gateways and validators give them.
  const [listed] = event.choices === undefined ? [event.errors, event.detail].flatMap(firstOfList) : [];
  const found = told ?? inChoice ?? bare ?? listed;
  if (found === undefined || found === null || found === false || found === "") return;
  const said = typeof found === "string" ? { message: found } : found;
  const message = isRecord(said)
    ? ["message", "detail", "error_msg", "errorMessage", "msg"].map((name) => said[name]).find(isText)
    : undefined;
  const code = isRecord(said) ? (said.code ?? said.status ?? said.status_code ?? said.error_code) : undefined;
  throw Object.assign(new Error(message ?? "The server reported an error."), {
    name: "StreamedError",
    error: {
      message: message ?? JSON.stringify(found).slice(0, 500),
      code: code ?? event.code ?? event.status_code,
      type: isRecord(said) ? said.type : undefined,
    },
  });
}

/** Google's servers answer a prompt that they block with its reason, and without candidates. */
function assertNotBlocked({ promptFeedback, candidates }: Record<string, unknown>): void {
  if (!isRecord(promptFeedback) || !isText(promptFeedback.blockReason)) return;
  if (Array.isArray(candidates) && candidates.length > 0) return;
  const words = isText(promptFeedback.blockReasonMessage) ? `, ${promptFeedback.blockReasonMessage}` : "";
  throw Object.assign(new Error(`prompt blocked: ${promptFeedback.blockReason}${words}`), {
    name: "PromptBlockedError",
  });
}

const firstOfList = (value: unknown): unknown[] => (Array.isArray(value) ? value.slice(0, 1) : []);

/** The error of a reply that is larger than any sensible one. */
export function replyTooLarge(what: string): DagError {
  return new DagError("MODEL_REPLY_TOO_LARGE", `The model's reply was ended: ${what}.`, {
    hint: "Set `modelOptions.maxTokens`, or check that the base URL is that of a model server.",
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** Whether a text is JSON as it stands. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
