import {
  DagError,
  DagValidationError,
  type ErrorCode,
  errorCode,
  errorCodes,
  errorMessage,
} from "../errors.js";
import { redact } from "../models/redact.js";

/** What is wrong with a request to a service, with the HTTP status that says so. */
export class RequestError extends DagError {
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    httpStatus: number,
    message: string,
    {
      hint,
      headers = {},
      facts = {},
    }: {
      readonly hint?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly facts?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(code, message, { facts, ...(hint !== undefined && { hint }) });
    this.httpStatus = httpStatus;
    this.headers = headers;
  }
}

/** The status of errors that the library throws before a run begins; every other one is the service's own fault: 500. */
const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  ANSWER_INVALID: 422,
  ANSWER_NOT_JSON: 422,
  CHECKPOINT_MISMATCH: 409,
  INPUT_INVALID: 422,
  INPUT_NOT_JSON: 422,
  MCP_PACKAGE_MISSING: 501,
  STORE_FAILED: 503,
  THREAD_BUSY: 409,
  THREAD_LOST: 409,
  THREAD_UNKNOWN: 404,
};

/** A problem as RFC 9457 has it, with the code that `docs/errors.md` explains. */
export interface Problem {
  /** Names the kind of problem: `urn:agent-dag:error:CODE`. */
  readonly type: string;
  /** The kind of problem, in words. */
  readonly title: string;
  /** The HTTP status. */
  readonly status: number;
  /** What happened, with which value, and what to do. */
  readonly detail: string;
  /** The stable code; `ERROR` for what is nothing of ours. */
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Of an invalid declaration: every issue. */
  readonly issues?: readonly unknown[];
}

/** What went wrong as data; what an unknown error says is not for whoever sent the request. */
export function problemOf(error: unknown): Problem {
  const code = errorCode(error);
  const isKnown = error instanceof DagError;
  const known = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : null;
  const status =
    error instanceof RequestError ? error.httpStatus : ((isKnown && known ? statuses[known] : null) ?? 500);
  return {
    type: `urn:agent-dag:error:${isKnown ? code : "ERROR"}`,
    title: (known === null ? undefined : errorCodes[known]) ?? "The service failed.",
    status,
    detail: isKnown ? redact(errorMessage(error)) : "Something went wrong inside the service.",
    code: isKnown ? code : "ERROR",
    retryable: isKnown && (error.retryable || status === 503),
    ...(error instanceof DagValidationError && { issues: error.issues }),
  };
}

/** The problem as an answer, for servers of any kind. */
export function problemAnswer(error: unknown): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const problem = problemOf(error);
  const headers = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(problem.status === 503 && { "retry-after": "1" }),
    ...(error instanceof RequestError && error.headers),
  };
  return { status: problem.status, headers, body: JSON.stringify(problem) };
}

/** The problem as a response. */
export function problemResponse(error: unknown): Response {
  const { status, headers, body } = problemAnswer(error);
  return new Response(body, { status, headers });
}

/** What is asked of a run cannot be done while it is under way. */
export function busy({
  thread,
  isElsewhere,
}: {
  readonly thread: string;
  /** Whether another process drives it. */
  readonly isElsewhere: boolean;
}): RequestError {
  const where = isElsewhere ? " in another process" : "";
  return new RequestError(
    "THREAD_BUSY",
    409,
    `The run on thread ${JSON.stringify(thread)} is under way${where}.`,
    {
      hint: isElsewhere
        ? "Follow its events here; send what is to change it to the service that runs it."
        : "Wait until it has ended, or follow its events.",
    },
  );
}
