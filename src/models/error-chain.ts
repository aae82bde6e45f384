import { caught, errorMessage, fieldOf as field } from "../errors.js";
import type { HeaderReader } from "../limits/rate-limit.js";
import { excerpt } from "../spec/issue.js";

/** An error and what caused it, outermost first; an `AggregateError` counts with its first error. */
export function causeChain(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let link = caught(error); link !== undefined && link !== null && chain.length < 8; ) {
    if (chain.includes(link)) break;
    chain.push(link);
    const aggregated = field(link, "errors");
    link = caught(field(link, "cause") ?? (Array.isArray(aggregated) ? aggregated[0] : undefined));
  }
  return chain;
}

/** The first value that `read` finds along a chain and that fits. */
export function firstOf<T>(
  chain: readonly unknown[],
  read: (link: unknown) => T | undefined,
  fits = (_: T) => true,
): T | undefined {
  for (const link of chain) {
    const value = read(link);
    if (value !== undefined && fits(value)) return value;
  }
  return undefined;
}

/** A field that holds a text, `undefined` where it is missing or empty. */
export function textField(of: unknown, name: string): string | undefined {
  const value = field(of, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Codes of the system and of the HTTP client, as against codes in a provider's body. */
export const isSystemCode = (code: string) =>
  /^(E[A-Z_]+|UND_ERR_\w+|ERR_\w+|[A-Z_]*CERT[A-Z_]*|UNABLE_TO_\w+)$/.test(code);

/** The HTTP status that an error carries. */
export function statusOf(link: unknown): number | undefined {
  const response = field(link, "response") ?? field(link, "$response");
  const told = [
    ...["status", "statusCode", "status_code", "httpStatusCode"].map((name) => field(link, name)),
    ...["status", "statusCode"].map((name) => field(response, name)),
    field(field(link, "$metadata"), "httpStatusCode"),
    // Google's clients give the number as `code`.
    field(link, "code"),
  ];
  const isStatus = (value: unknown) => typeof value === "number" && value >= 400 && value < 600;
  return told.find(isStatus) as number | undefined;
}

/** The error object of a reply's body, as the clients keep it: `{ error: { message, code } }` or what is inside. */
function bodyError(link: unknown): unknown {
  const body = field(link, "error");
  return field(body, "error") ?? body;
}

/** The code or type of an error object that came in a reply's body. */
export function streamedError(link: unknown): string | undefined {
  const inner = bodyError(link);
  const code = field(inner, "code");
  // Numbers of a provider's own say less than the type beside them.
  const isStatus = typeof code === "number" && code >= 400 && code < 600;
  if (typeof code === "number") return (isStatus ? undefined : textField(inner, "type")) ?? String(code);
  return textField(inner, "code") ?? textField(inner, "type") ?? (textField(inner, "message") && "error");
}

/** The parameter that an error names beside its words, as OpenAI's servers do. */
export const refusedParameter = (link: unknown): string | undefined =>
  textField(bodyError(link), "param") ?? textField(link, "param");

/**
 * What the provider or the system said, on one line of at most 500 characters, without what `clean` takes out. LangChain puts an error
 * of another realm (as under Jest) into the message of a new one, name in front: the name is taken off.
 */
export function says(
  chain: readonly unknown[],
  status: number | undefined,
  clean: (text: string) => string,
): string {
  const deepest =
    status === undefined ? chain.findLast((link) => textField(link, "message") !== undefined) : chain[0];
  const inBody = firstOf(chain, (link) => textField(bodyError(link), "message"));
  const text = clean(inBody ?? errorMessage(deepest ?? chain[0]))
    .replace(/Troubleshooting URL: \S+/, "")
    .replace(/\s+/g, " ")
    .trim();
  const own = text.replace(foreignName, "");
  const bare = own.startsWith(`${status} `) ? own.slice(`${status} `.length) : own;
  return excerpt(bare, 500);
}

const foreignName = /^([A-Z]\w*Error): /;

/** The errors' names, those in front of a message included. */
export function namesOf(chain: readonly unknown[]): (string | undefined)[] {
  return chain.flatMap((link) => [
    textField(link, "name"),
    foreignName.exec(textField(link, "message") ?? "")?.[1],
  ]);
}

/** Reads the headers of the reply that an error came with. */
export function headersOf(chain: readonly unknown[]): HeaderReader {
  const headers = firstOf(
    chain,
    (link) => field(link, "headers") ?? field(field(link, "response"), "headers"),
  );
  return (name) => {
    const get = field(headers, "get");
    const value = typeof get === "function" ? get.call(headers, name) : field(headers, name);
    return typeof value === "string" ? value : null;
  };
}

/** A copy of an error that carries its name, message and stack, without its other fields and what `clean` takes out. */
export function withoutKeys(error: unknown, clean: (text: string) => string): Error {
  const copy = new Error(clean(errorMessage(error)));
  copy.name = clean(textField(error, "name") ?? "Error");
  const stack = textField(error, "stack");
  if (stack !== undefined) copy.stack = clean(stack);
  return copy;
}
