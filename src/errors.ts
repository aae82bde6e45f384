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

/** The code of any thrown value: its own `code` when it is a string, else `ERROR`. */
export function errorCode(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string")
    return error.code;
  return "ERROR";
}

/** The message of any thrown value, never empty. */
export function errorMessage(error: unknown): string {
  if (isErrorLike(error)) return error.message || error.name;
  return typeof error === "string" && error !== ""
    ? error
    : `A value that is not an Error was thrown: ${String(error)}`;
}

/** Errors are told by what they hold: one that comes from another realm (a worker, a test runner) is no `Error` here. */
function isErrorLike(value: unknown): value is Error {
  if (typeof value !== "object" || value === null || !("message" in value) || !("name" in value))
    return false;
  return typeof value.message === "string" && typeof value.name === "string" && value.name !== "";
}
