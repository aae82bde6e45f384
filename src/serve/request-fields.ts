import { RequestError } from "./problem.js";
import { isRunName } from "./run-index.js";

/** A request's body, or a part of it, as it came. */
export type Fields = Readonly<Record<string, unknown>>;

/** Refuses what is wrong with a request, and says what to send instead. */
function refuse(message: string, hint?: string): never {
  throw new RequestError("REQUEST_INVALID", 400, message, hint === undefined ? {} : { hint });
}

const quoted = (text: string) => JSON.stringify(text.slice(0, 100));

/** Asserts that an address has no parameter but the known ones; `undefined` where any may stand. @throws RequestError 400. */
export function assertParameters({ searchParams }: URL, known: readonly string[] | undefined): void {
  const other = known && [...searchParams.keys()].find((name) => !known.includes(name));
  if (known === undefined || other === undefined) return;
  refuse(
    `The parameter ${quoted(other)} is not known here.`,
    known.length === 0 ? "This path takes none." : `This path takes: ${known.join(", ")}.`,
  );
}

/** The fields of a body that is an object, with no other field than the known ones, where they are. @throws RequestError 400. */
export function objectIn(body: unknown, known?: readonly string[]): Fields {
  const forms = known && `Send { ${known.map((name) => `"${name}"`).join(", ")} }.`;
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return refuse("The body is no object.", forms);
  const other = known && Object.keys(body).find((name) => !known.includes(name));
  if (other !== undefined) refuse(`The body has a field ${quoted(other)}, which is not known.`, forms);
  return body as Fields;
}

/** A field's text, where it is given. @throws RequestError 400. */
export function textIn(body: Fields, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || typeof value === "string") return value;
  return refuse(`The field "${name}" is no text.`);
}

/** A field's yes or no, where it is given. @throws RequestError 400. */
export function flagIn(body: Fields, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined || typeof value === "boolean") return value;
  return refuse(`The field "${name}" is neither true nor false.`);
}

/** The name of a new thread, or of one that is there. @throws RequestError 400. */
export function threadIn(body: Fields): string | undefined {
  const thread = textIn(body, "thread");
  if (thread === undefined) return undefined;
  if (/^[^\p{C}]{1,200}$/u.test(thread) && thread.trim() !== "" && isRunName(thread)) return thread;
  return refuse(
    'The field "thread" cannot be the name of a run.',
    "Use 1 to 200 printable characters, and none of the names that begin with $.",
  );
}

/**
 * A whole number of digits alone.
 * @param what What it is the number of, as the message begins.
 * @throws RequestError 400.
 */
export function numberIn(
  text: string,
  what: string,
  { least = 0, most }: { readonly least?: number; readonly most: number },
): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value >= least && value <= most) return value;
  return refuse(
    `${what} is ${quoted(text)}.`,
    least === 0 ? `Give a whole number of at most ${most}.` : `Give a whole number from ${least} to ${most}.`,
  );
}
