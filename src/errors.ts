/**
 * Every error this package throws on purpose is a {@link DagError}: a stable `code` to branch on, the facts as
 * data, and a message that says what happened, to which thing, with which value, and what to do next.
 */
export interface DagErrorOptions {
  /** Facts that the message states, as data: names, values, limits. Never a secret. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Whether the same request may succeed when it is sent again. Declared, never guessed from text. @default false */
  readonly retryable?: boolean;
  /** HTTP status that the provider answered with, also where it stood inside a reply of status 200. */
  readonly status?: number;
  /** How long the provider asks to wait before the next request, in milliseconds, at least 0. */
  readonly retryAfterMs?: number;
  /** `true` where time ran out: what failed so settles as `timed-out`. @default false */
  readonly timedOut?: boolean;
  /** The offending text: a model's words that were refused, cut off, or did not fit. */
  readonly text?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** What to do about it, in one sentence; appended to the message. */
  readonly hint?: string;
}

/** The root of this package's errors. */
export class DagError extends Error {
  /** Stable identifier, upper snake case, for example `MODEL_TIMEOUT`. */
  readonly code: string;
  /** What the message states, as data; the declared fields below are among them where they are set. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly timedOut: boolean;
  readonly text: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: DagErrorOptions = {}) {
    super(options.hint === undefined ? message : `${message} ${options.hint}`, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    const { facts = {} } = options;
    const told = <T>(name: string, is: (value: unknown) => value is T): T | undefined =>
      is(facts[name]) ? facts[name] : undefined;
    this.status = options.status ?? told("status", isNumber);
    this.retryAfterMs = options.retryAfterMs ?? told("retryAfterMs", isNumber);
    this.timedOut = options.timedOut ?? facts.timedOut === true;
    this.text = options.text ?? told("text", isText);
    const { status, retryAfterMs, timedOut, text } = this;
    this.facts = {
      ...facts,
      ...(status !== undefined && { status }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(timedOut && { timedOut }),
      ...(text !== undefined && { text }),
    };
    this.hint = options.hint;
  }
}

const isNumber = (value: unknown): value is number => typeof value === "number";

const isText = (value: unknown): value is string => typeof value === "string";

/** One mistake in a spec, in a policy or in options. */
export interface DagIssue {
  /** Stable identifier, lower kebab case, for example `unknown-need`. */
  readonly code: string;
  /** Where, as a dotted path from the root of the thing that was checked, for example `nodes.meta.needs[1]`. */
  readonly path: string;
  /** What is wrong, with the value that is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** Line in the file (1-based), where the thing was read from a file. */
  readonly line?: number;
  /** Column in the file (1-based), where the thing was read from a file. */
  readonly column?: number;
}

/** Thrown when a declaration is wrong: carries every issue found, not only the first. */
export class DagValidationError extends DagError {
  readonly issues: readonly DagIssue[];

  constructor(subject: string, issues: readonly DagIssue[]) {
    const lines = issues.map(renderIssue);
    super(
      "DAG_INVALID",
      `${subject} has ${issues.length === 1 ? "1 issue" : `${issues.length} issues`}:\n${lines.join("\n")}`,
      {
        facts: { issues },
      },
    );
    this.issues = issues;
  }
}

/** One issue as one line of text, the hint on a second line. */
export function renderIssue(issue: DagIssue): string {
  const place =
    issue.line === undefined ? issue.path : `${issue.path} (line ${issue.line}, column ${issue.column ?? 1})`;
  return `  ${place}: ${issue.message} [${issue.code}]\n    ${issue.hint}`;
}

/** The code of any thrown value: its own `code` when it is a string of at most 200 characters, else `ERROR`. */
export function errorCode(error: unknown): string {
  const code = fieldOf(error, "code");
  return typeof code === "string" && code.length <= 200 ? code : "ERROR";
}

/**
 * The message of any thrown value, never empty, of at most {@link longestMessage} characters and a note of what was cut.
 * Whatever was thrown, this does not throw.
 */
export function errorMessage(error: unknown): string {
  // Errors are told by what they hold: one that comes from another realm (a worker, a test runner) is no `Error` here.
  const [message, name] = [fieldOf(error, "message"), fieldOf(error, "name")];
  if (typeof message === "string" && typeof name === "string" && name !== "") return bounded(message || name);
  if (typeof error === "string" && error !== "") return bounded(error);
  return bounded(`A value that is not an Error was thrown: ${textOf(error)}`);
}

/** Most characters of an error's message that are kept: it stands in outcomes, calls, events and the record. */
export const longestMessage = 8000;

/** Room above {@link longestMessage} for what our own messages put around one that was cut: it is not cut again. */
const roomAround = 2000;

function bounded(text: string): string {
  if (text.length <= longestMessage + roomAround) return text;
  const end = /[\uD800-\uDBFF]$/.test(text.slice(0, longestMessage)) ? longestMessage - 1 : longestMessage;
  const left = (text.length - end).toLocaleString("en-US");
  return `${text.slice(0, end)}… (cut: ${left} more of ${text.length.toLocaleString("en-US")} characters)`;
}

/** A field of any value; `undefined` where there is none or reading it throws. */
function fieldOf(value: unknown, name: string): unknown {
  try {
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `an ${typeof value}`;
  }
}

/** A thrown value that can be looked at: one that even `instanceof` fails on (a revoked proxy) is replaced by an error. */
export function caught(error: unknown): unknown {
  try {
    void (error instanceof Error);
    return error;
  } catch {
    return new Error("A value that cannot be looked at was thrown.");
  }
}
