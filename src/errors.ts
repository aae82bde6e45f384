/** What an error of this package states besides its code and its message. */
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

/**
 * The root of this package's errors: every error that it throws on purpose is one. It has a stable `code` to branch on, the
 * facts as data, and a message that says what happened, to which thing, with which value, and what to do next.
 */
export class DagError extends Error {
  /** Stable identifier, upper snake case, for example `MODEL_TIMEOUT`. */
  readonly code: string;
  /** What the message states, as data; the declared fields below are among them where they are set. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;
  /** HTTP status that the provider answered with; `undefined` where none came. */
  readonly status: number | undefined;
  /** How long the provider asks to wait, in milliseconds; `undefined` where it did not say. */
  readonly retryAfterMs: number | undefined;
  /** Whether time ran out: what fails so settles as `timed-out`. */
  readonly timedOut: boolean;
  /** The offending text: words of a model that were refused, cut off, or did not fit. */
  readonly text: string | undefined;
  /** What to do about it; the message ends with it. */
  readonly hint: string | undefined;

  /**
   * An error with its code.
   * @param code One of {@link ErrorCode}, or a code of your own.
   * @param message What happened, to which thing, with which value.
   */
  constructor(code: string, message: string, options: DagErrorOptions = {}) {
    const { cause } = options;
    super(
      options.hint === undefined ? message : `${message}${message.endsWith("\n") ? "" : " "}${options.hint}`,
      cause === undefined ? {} : { cause },
    );
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
  /** Every issue, in the order in which they were found. */
  readonly issues: readonly DagIssue[];

  /**
   * The error of a declaration that has issues.
   * @param subject What was checked: the message begins with it.
   * @param issues All that is wrong with it.
   */
  constructor(subject: string, issues: readonly DagIssue[]) {
    const lines = issues.map(renderIssue);
    super(
      "DAG_INVALID",
      `${subject} ${/s$/.test(subject) ? "have" : "has"} ${issues.length === 1 ? "1 issue" : `${issues.length} issues`}:\n${lines.join("\n")}`,
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
export function fieldOf(value: unknown, name: string): unknown {
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

/** A thrown value as an error that a caller can catch, whatever it is. */
export function asError(thrown: unknown): Error {
  const error = caught(thrown);
  return error instanceof Error ? error : new Error(errorMessage(error), { cause: error });
}

/**
 * Whether the call stack was full. Whatever catches all errors lets this one go on: it says nothing of the value that was looked at,
 * and comes or not by where in the stack that was.
 */
export function isStackFull(error: unknown): boolean {
  return fieldOf(error, "name") === "RangeError" && errorMessage(error).includes("call stack");
}

/** Whether a value is one that `await` waits for. One that cannot be looked at is not. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  try {
    return typeof (value as { readonly then?: unknown }).then === "function";
  } catch {
    return false;
  }
}

/**
 * Takes note of a promise that nobody waits for, where something else was expected (a `when` cannot be asynchronous): should
 * it reject, that must not end the process.
 */
export function unawaited(value: unknown): void {
  if (isThenable(value)) Promise.resolve(value).catch(() => {});
}

/** Every code of the errors that this package throws or records, and what each says. `docs/errors.md` is made of it. */
export const errorCodes = {
  ABORTED: "The request or the run was aborted by its signal.",
  ANSWER_INVALID: "An answer does not fit the question that a run waits at.",
  ANSWER_NOT_JSON: "An answer holds what JSON would change or lose.",
  APPROVAL_PASSED_BY: "A planner answered without an approval that stands before the output.",
  ARGS_NOT_OBJECT: "A tool node's arguments are no JSON object.",
  ASK_TOO_LATE: "A function asked a model after it had ended: await every `ask`.",
  BATCH_ITEMS_GONE: "Items of a batch that nobody read are not kept any more.",
  BATCH_BUSY: "The batch is under way, and cannot be forgotten.",
  BATCH_UNKNOWN: "The engine holds no such batch.",
  BUDGET_PRICE_UNKNOWN: "There is a budget in dollars, and a model's price is unknown: name it in `prices`.",
  BUDGET_SPENT: "The budget of the run or the batch has no room for a request.",
  CALL_LOST: "The process ended before a request's reply came; the request was sent.",
  CASSETTE_ABORTED: "A recorded call had been aborted, and is not to be had from the cassette.",
  CASSETTE_CORRUPT: "A cassette's file cannot be read.",
  CASSETTE_IN_USE: "Another process records into the cassette.",
  CASSETTE_MISS: "A request is not in the cassette.",
  CASSETTE_MISSED: "Requests of a finished run were not in the cassette.",
  CASSETTE_MISSING: "The cassette's file does not exist.",
  CASSETTE_OPTION_INVALID: "An option of a cassette cannot be used.",
  CASSETTE_UNUSED: "Recorded calls were not asked for.",
  CASSETTE_VERSION: "A cassette has a form that this version does not read.",
  CHECKPOINTER_MISSING: "A run that waits for an answer, or is to be resumed, needs a checkpointer.",
  CHECKPOINTER_PACKAGE_MISSING: "The checkpointer's package is not installed.",
  CHECKPOINTER_UNKNOWN: "No such kind of checkpointer.",
  CHECKPOINTER_UNUSABLE: "The checkpointer cannot be opened.",
  CHECKPOINT_MISMATCH: "The thread holds a run of another spec, topology or input.",
  CONTEXT_INVALID: "A run's context does not fit what its spec declares.",
  CONTEXT_MISSING: "A spec declares a context, and the run was given none.",
  DAG_INVALID: "A declaration or options have issues; all of them are listed.",
  DAG_UNKNOWN: "The service serves no such graph.",
  DEADLINE: "The run's deadline ended it.",
  DIFF_IMPOSSIBLE: "The two files cannot be compared.",
  EMPTY_REPLY: "A model said nothing.",
  ENGINE_PACKAGE_MISSING: "A package that the engine needs is not installed.",
  ENGINE_UNKNOWN: "No such kind of engine.",
  FAULTS_INVALID: "A plan of faults cannot be meant.",
  FILE_FORM: "A file has not the form that is wanted.",
  FILE_NOT_TEXT: "A file is not text.",
  FILE_TOO_LARGE: "A file is larger than what is read.",
  FILE_UNREADABLE: "A file cannot be read.",
  FOR_EACH_NOT_ARRAY: "What `forEach` points at is no list.",
  HEDGE_LOST: "The other request of a hedged pair brought the first token.",
  INPUT_INVALID: "The run's input does not fit its schema.",
  INPUT_NOT_JSON: "An input holds what JSON would change or lose.",
  INSTRUCTIONS_NOT_TEXT: "An agent's `instructions` returned something else than a text.",
  INTERRUPT_CAUGHT: "A question was asked with `interrupt`, and what it threw was caught: throw it on.",
  INTERRUPT_MISPLACED: "`interrupt` was called where no question can be asked.",
  ITEMS_FAILED: "Every item of a map failed.",
  ITEM_KEY_INVALID: "An item of a map has no key, or one that another item has.",
  LATENCY_PROFILE_INVALID: "A latency profile cannot be used.",
  LATENCY_PROFILE_UNKNOWN: "No such latency profile.",
  MCP_PACKAGE_MISSING: "MCP needs a package that is not installed.",
  MODEL_BAD_REQUEST: "The provider refuses the request as it is; it is not sent again.",
  MODEL_BAD_RESPONSE: "What came is no reply of a model: no JSON, a page of HTML, no choices. Retryable.",
  MODEL_BASE_URL_INVALID: "The base URL is no address.",
  MODEL_CANNOT_CALL_TOOLS: "The model's class cannot call tools.",
  MODEL_CANNOT_READ:
    "The model reads no images, or no files of this kind; where that is known, nothing is sent.",
  MODEL_CONFLICT: "The provider answered 409 or 425. Retryable.",
  MODEL_CONNECTION_LOST: "The connection broke. Retryable.",
  MODEL_CONTENT_FILTERED: "The provider's filter withheld the reply; what came is kept as `text`.",
  MODEL_FAILED: "The client failed in a way that nothing is known of.",
  MODEL_KEY_MISSING: "No API key.",
  MODEL_NAME_INVALID: "A model's name is not `provider:name`.",
  MODEL_NOT_FOUND: "The provider does not know the model, or the address.",
  MODEL_NOT_STREAMING: "The `call` of a model or of a middleware gave no stream.",
  MODEL_PROVIDER_MISSING: "The provider's package is not installed, or `undici` where a proxy is to be used.",
  MODEL_RATE_LIMITED: "The provider's limit is reached (retryable), or the account's quota (not).",
  MODEL_REFUSED: "The model refused to answer; its words are kept as `text`.",
  MODEL_REPLY_FAILED:
    "The provider broke the reply off by its finish reason (`error`, `MALFORMED_FUNCTION_CALL` …). Retryable.",
  MODEL_REPLY_TOO_LARGE: "A reply is larger than any sensible one.",
  MODEL_SERVER_ERROR: "The provider failed. Retryable.",
  MODEL_SETTINGS_INVALID: "The provider's class refuses its settings.",
  MODEL_STALLED: "A reply fell silent (`idleTimeoutMs`). Retryable.",
  MODEL_STREAM_CUT: "A reply ended without saying how. Retryable; what came is kept as `text`.",
  MODEL_TIMEOUT: "No answer in time. Retryable.",
  MODEL_UNAUTHORIZED: "The key is wrong, or may not use the model.",
  MODEL_UNREACHABLE: "Nothing answers at the address. Retryable, but for a bad certificate.",
  NODE_TIMEOUT: "A function or tool took longer than `timeoutMs`.",
  NODE_UNKNOWN: "No such node.",
  NOT_A_RECORD: "A file holds no record.",
  NO_OUTPUT: "The run has no output; the message says why.",
  OFFLINE_CANNOT: "The offline model cannot do what it was asked; a real model may.",
  OUTPUT_INVALID: "An output does not fit its schema; the text is kept as `text`.",
  OUTPUT_UNWRITTEN: "What a command gave could not be written where it was to go.",
  PAGE_MISSING: "The page of reports is not built: `npm run build` makes it.",
  PATH_UNKNOWN: "The service has no such path.",
  PLANNER_ITERATIONS_EXCEEDED: "A planner wrote its most messages and gave no answer.",
  PLAN_INVALID: "No valid plan came.",
  PORT_UNUSABLE: "The service cannot listen at the address and port.",
  PRICES_UNREADABLE: "A file of prices cannot be read.",
  RECORD_INVALID: "A record or comparison from elsewhere is malformed.",
  REPEAT_INVALID: "`repeat` cannot be used.",
  REPLANS_EXCEEDED: "A joiner asked for more plans than it may.",
  REPLY_PAUSED: "The provider wants to go on with a tool of its own (`pause_turn`).",
  REPLY_TRUNCATED: "A reply was cut at a limit; the text is kept, its tool calls are not made.",
  REPORT_INPUT_INVALID: "A report was asked for something that is no record, comparison or list of records.",
  REQUEST_FORBIDDEN: "The request is addressed to another host, or was sent by a page of somebody else.",
  REQUEST_INVALID: "A request's body, parameter or header cannot be used.",
  REQUEST_METHOD: "The path does not take this method.",
  REQUEST_TIMEOUT: "A request did not come in time.",
  REQUEST_TOO_LARGE: "A request is larger than what is read.",
  REQUEST_TYPE: "A request's body is not of a type that is read.",
  REQUEST_UNAUTHORIZED: "The request shows no valid token.",
  RESULTS_BUSY: "Another batch writes the results file.",
  RESULTS_UNUSABLE: "A results file holds something that is no row of results.",
  ROUNDS_EXHAUSTED: "A loop ran all its rounds, and its condition does not hold.",
  ROW_KEY_INVALID: "A row of a batch has no key, or one that an earlier row has.",
  ROW_LOST: "Worker after worker died with a row of a batch.",
  ROW_UNREADABLE: "A row of a batch cannot be read from its file.",
  RUNNABLE_MISSING: "A runnable node has no runnable.",
  RUN_UNKNOWN: "The service knows no such run.",
  SCHEMA_UNUSABLE: "A schema cannot be expressed or read.",
  SCOPE_MISSING: "A compiled graph was run outside its run.",
  SCRIPT_NOT_DONE: "A scripted model has steps that were not asked for.",
  SCRIPT_UNEXPECTED_CALL: "A scripted model was asked more than its script holds.",
  SERVE_OPTIONS_INVALID: "A service cannot be started with these options.",
  SERVICE_BUSY: "The service has as many runs under way as it takes. Retryable.",
  SERVICE_STOPPING: "The service is being shut down. Retryable.",
  SIMULATION_INVALID: "Options of simulated latency cannot be used.",
  STOPPED_ABORTED: "The call was cut off: the run was aborted.",
  STOPPED_BUDGET: "The call was cut off: the budget is spent.",
  STOPPED_DEADLINE: "The call was cut off: the deadline has passed.",
  STOPPED_FAIL_FAST: "The call was cut off: another node failed under `fail-fast`.",
  STOPPED_NOT_NEEDED: "The call was cut off: nobody needs its node any more.",
  STOPPED_REJECTED: "The call was cut off: a person said no.",
  STORE_FAILED: "The checkpointer's store failed: full, gone, locked, damaged or out of reach.",
  SUBGRAPH_FAILED: "The graph of a graph node has no output.",
  SUBGRAPH_MISSING: "A graph node's graph is not to be had.",
  THREAD_BUSY: "Somebody else drives the thread.",
  THREAD_INVALID: "A thread has a name that not every store can hold.",
  THREAD_LOST: "Another process has taken over the thread.",
  THREAD_MISSING: "A run with a checkpointer names no thread.",
  THREAD_UNKNOWN: "The checkpointer holds no such thread.",
  TOOL_CALLS_UNUSABLE: "A model keeps calling tools that there are not, or with arguments that are not JSON.",
  TOOL_CALL_AS_TEXT: "A model wrote a tool call as text; `modelOptions.toolCallsInText` reads such calls.",
  TOOL_ROUNDS_EXCEEDED: "A model does not stop calling tools.",
  TOPOLOGY_UNKNOWN: "No such topology.",
  UNTIL_NOT_BOOLEAN: "A loop's `until` function gave neither true nor false.",
  USAGE: "The command line was used wrongly.",
  VALUE_NOT_JSON: "A node returned what JSON cannot hold.",
  VARIANT_INVALID: "A variant of a comparison cannot be used.",
  VERSION_UNSUPPORTED: "A record has a version that is not read.",
  VIEW_IMPOSSIBLE: "A view cannot be made of the subject.",
  VIEW_UNKNOWN: "No such view.",
  WHEN_NOT_BOOLEAN: "A `when` function gave neither true nor false.",
} as const;

/** The stable codes of this package's errors; a field `code` may also hold one of a user's own error. */
export type ErrorCode = keyof typeof errorCodes;
