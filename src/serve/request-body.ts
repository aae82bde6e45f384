import { RequestError } from "./problem.js";

/** What a body may be. */
export interface BodyLimits {
  /** Most bytes. */
  readonly maxBytes: number;
  /** Longest it may take to come, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The JSON that a request carries.
 * @throws RequestError 415 for another content type, 413 for too many bytes, 408 for one that does not come in time, 400 for
 * what is no JSON.
 */
export async function jsonBody(request: Request, limits: BodyLimits): Promise<unknown> {
  assertPlainJson(request.headers);
  const bytes = await bytesOf(request, limits);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof SyntaxError ? "it is not JSON" : "it is not UTF-8";
    throw new RequestError("REQUEST_INVALID", 400, `The body cannot be read: ${why}.`, {
      hint: "Send one JSON value.",
    });
  }
}

/** Asserts that a body says of itself that it is JSON in UTF-8, and not packed. @throws RequestError 415. */
function assertPlainJson(headers: Headers): void {
  const refuse = (message: string, hint: string, more: Readonly<Record<string, string>>) => {
    throw new RequestError("REQUEST_TYPE", 415, message, { hint, headers: more });
  };
  const type = headers.get("content-type") ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type.trim())) {
    const shown = type === "" ? "none" : JSON.stringify(type.slice(0, 100));
    const hint = "Send JSON with content-type: application/json.";
    refuse(`The body has the content type ${shown}.`, hint, { accept: "application/json" });
  }
  const [, charset = "utf-8"] = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(type) ?? [];
  if (!/^utf-?8$/i.test(charset)) {
    const hint = "Send it in UTF-8.";
    refuse(`The body is in the character set ${JSON.stringify(charset.slice(0, 100))}.`, hint, {});
  }
  const encoding = headers.get("content-encoding") ?? "";
  if (!/^(identity)?$/i.test(encoding.trim())) {
    const shown = JSON.stringify(encoding.slice(0, 100));
    refuse(`The body has the content encoding ${shown}.`, "Send it as it is.", {
      "accept-encoding": "identity",
    });
  }
}

async function bytesOf(request: Request, { maxBytes, timeoutMs }: BodyLimits): Promise<Uint8Array> {
  const tooLarge = () =>
    new RequestError("REQUEST_TOO_LARGE", 413, `The body has more than ${maxBytes} bytes.`, {
      hint: "Send less, or have `maxBodyBytes` raised.",
      headers: { connection: "close" },
    });
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new RequestError("REQUEST_TIMEOUT", 408, `The body did not come within ${timeoutMs} ms.`, {
          hint: "Send it at once.",
          headers: { connection: "close" },
        }),
      );
    }, timeoutMs);
  });
  late.catch(() => {});
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) break;
      length += value.byteLength;
      if (length > maxBytes) throw tooLarge();
      parts.push(value);
    }
  } catch (error) {
    void reader.cancel().catch(() => {});
    if (error instanceof RequestError) throw error;
    throw new RequestError("REQUEST_INVALID", 400, "The body broke off.", { hint: "Send it again." });
  } finally {
    clearTimeout(timer);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
