import { DagError, errorMessage } from "../errors.js";
import { type HeaderReader, readRateLimit, readRetryAfterMs } from "../limits/rate-limit.js";
import {
  causeChain,
  firstOf,
  headersOf,
  isSystemCode,
  namesOf,
  says,
  statusOf,
  streamedError,
  textField,
  withoutKeys,
} from "./error-chain.js";
import { redact, redactKeys, redactUrl } from "./redact.js";
import { secretsInUse } from "./secrets.js";

/** Which request failed. */
export interface ModelErrorSubject {
  /** `provider:name`. */
  readonly model: string;
  /** Where the requests go, where that is known. */
  readonly baseUrl: string | undefined;
  readonly signal: AbortSignal;
  /** Keys that the request carried, beside the environment's. @default none */
  readonly secrets?: readonly string[];
}

const unreachable = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
];
const connectTimeouts = [
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
];
const lost = ["ECONNRESET", "EPIPE", "ECONNABORTED", "UND_ERR_SOCKET", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"];

/**
 * Turns whatever a client threw into a {@link DagError} with a stable code and a declared `retryable`; where they are
 * known, it has `status` and `retryAfterMs`, and its facts are `model`, `baseUrl`, `systemCode` and `rateLimit`. Keys are taken out of
 * the message, the facts and the cause: what looks like one, and the exact values of those in use. When the signal was aborted, the error is the signal's reason if that has a code,
 * else `ABORTED`.
 */
export function toModelError(error: unknown, subject: ModelErrorSubject): DagError {
  if (subject.signal.aborted) return abortError(subject.signal);
  const chain = causeChain(error);
  const own = chain.find((link) => link instanceof DagError);
  const secrets = [...(subject.secrets ?? []), ...secretsInUse()];
  if (own instanceof DagError) return withoutSecrets(own, secrets);
  const clean = (text: string) => redact(text, secrets);
  const status = firstOf(chain, statusOf);
  const systemCode = firstOf(chain, (link) => textField(link, "code"), isSystemCode);
  const said = says(chain, status, clean);
  const kind =
    status !== undefined
      ? kindOfStatus(status, chain, said)
      : kindWithoutStatus(chain, systemCode, said, clean);
  const header = headersOf(chain);
  const retryAfterMs = kind.code === "MODEL_RATE_LIMITED" ? waitToAsk(header) : readRetryAfterMs(header);
  const baseUrl = subject.baseUrl === undefined ? undefined : redactUrl(subject.baseUrl, secrets);
  return new DagError(
    kind.code,
    `Model "${subject.model}"${baseUrl === undefined ? "" : ` at ${baseUrl}`} ${kind.what}: ${said}${/[.!?…]$/.test(said) ? "" : "."}`,
    {
      facts: {
        model: subject.model,
        ...(baseUrl === undefined ? {} : { baseUrl }),
        ...(systemCode === undefined ? {} : { systemCode }),
        ...(readRateLimit(header) === null ? {} : { rateLimit: readRateLimit(header) }),
      },
      retryable: kind.retryable,
      ...(status === undefined ? {} : { status }),
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
      cause: withoutKeys(error, clean),
      ...(kind.hint === undefined ? {} : { hint: kind.hint }),
    },
  );
}

/** An error of ours whose message quotes what a server sent; the same error where it holds no key. */
function withoutSecrets(error: DagError, secrets: readonly string[]): DagError {
  const clean = (text: string) => redactKeys(text, secrets);
  const message = clean(error.message);
  const facts = JSON.stringify(error.facts) ?? "";
  if (message === error.message && clean(facts) === facts) return error;
  const { code, retryable } = error;
  return new DagError(code, message, {
    retryable,
    facts: JSON.parse(clean(facts)) as Record<string, unknown>,
  });
}

/**
 * How long a rate limit lasts: `retry-after`, or the time until what has run out is there again (`x-ratelimit-reset-*`
 * beside a `remaining` of 0); `null` when the headers do not say.
 */
function waitToAsk(header: HeaderReader): number | null {
  const asked = readRetryAfterMs(header);
  const limits = readRateLimit(header);
  if (asked !== null || limits === null) return asked;
  const waits = [
    limits.remainingRequests === 0 ? limits.resetRequestsMs : null,
    limits.remainingTokens === 0 ? limits.resetTokensMs : null,
  ].filter((wait) => wait !== null);
  return waits.length === 0 ? null : Math.max(...waits);
}

/** The error of an aborted request: the signal's reason when that has a string `code`, else `ABORTED` caused by it. */
export function abortError(signal: AbortSignal): DagError {
  const reason: unknown = signal.reason;
  if (reason instanceof DagError) return reason;
  return new DagError("ABORTED", `The request was aborted: ${errorMessage(reason)}`, { cause: reason });
}

interface Kind {
  readonly code: string;
  readonly what: string;
  readonly retryable: boolean;
  readonly hint?: string;
}

function kindOfStatus(status: number, chain: readonly unknown[], said: string): Kind {
  const what = `answered ${status}`;
  if (status === 429 || status === 402) {
    if (status === 402 || outOfQuota(chain, said)) {
      const hint = "The account's quota is used up: waiting does not help; check its plan and billing.";
      return { code: "MODEL_RATE_LIMITED", what, retryable: false, hint };
    }
    const hint = "Fewer requests at once (`limits`) or more attempts (`policy.retry`) help.";
    return { code: "MODEL_RATE_LIMITED", what, retryable: true, hint };
  }
  if (status === 401 || status === 403) {
    return {
      code: "MODEL_UNAUTHORIZED",
      what,
      retryable: false,
      hint: "Check the API key and what it may use.",
    };
  }
  if (status === 404) {
    return {
      code: "MODEL_NOT_FOUND",
      what,
      retryable: false,
      hint: "Check the model's name and the base URL.",
    };
  }
  if (status === 408) return { code: "MODEL_TIMEOUT", what, retryable: true };
  if (status === 409 || status === 425) return { code: "MODEL_CONFLICT", what, retryable: true };
  if (status >= 500) return { code: "MODEL_SERVER_ERROR", what, retryable: true };
  if (status >= 400) return { code: "MODEL_BAD_REQUEST", what, retryable: false };
  return { code: "MODEL_BAD_RESPONSE", what, retryable: true };
}

function kindWithoutStatus(
  chain: readonly unknown[],
  systemCode: string | undefined,
  said: string,
  clean: (text: string) => string,
): Kind {
  if (systemCode !== undefined && unreachable.includes(systemCode)) {
    const hint =
      "Check that the server runs, and the host and port of the base URL (OPENAI_BASE_URL for openai: models).";
    return { code: "MODEL_UNREACHABLE", what: `cannot be reached (${systemCode})`, retryable: true, hint };
  }
  if (systemCode !== undefined && /CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|UNABLE_TO_/.test(systemCode)) {
    const hint = "Check the certificate of the base URL, or NODE_EXTRA_CA_CERTS.";
    return { code: "MODEL_UNREACHABLE", what: `cannot be reached (${systemCode})`, retryable: false, hint };
  }
  const names = namesOf(chain);
  if ((systemCode !== undefined && connectTimeouts.includes(systemCode)) || names.includes("TimeoutError")) {
    return { code: "MODEL_TIMEOUT", what: "did not answer in the time its client allows", retryable: true };
  }
  if (
    (systemCode !== undefined && lost.includes(systemCode)) ||
    /^(terminated|connection error\.?|fetch failed|\[\w+ error\]: error reading from the stream)$/i.test(said)
  ) {
    return { code: "MODEL_CONNECTION_LOST", what: "lost the connection", retryable: true };
  }
  if (names.includes("PromptBlockedError")) {
    const hint = "The provider's filter stopped the request: change the prompt or the input.";
    return { code: "MODEL_CONTENT_FILTERED", what: "withheld its reply", retryable: false, hint };
  }
  const event = firstOf(chain, streamedError);
  if (event !== undefined) {
    const what = `sent an error in its reply (${clean(event)})`;
    if (outOfQuota(chain, said)) return { code: "MODEL_RATE_LIMITED", what, retryable: false };
    // A number of the provider's own says nothing: its words may.
    const telling = /^(-?\d+|error)$/.test(event) ? said : event;
    const status = /^[45]\d\d$/.test(event) ? Number(event) : statusOfWord(telling);
    if (status !== undefined) return { ...kindOfStatus(status, chain, said), what };
    return { code: "MODEL_SERVER_ERROR", what, retryable: true };
  }
  if (names.some((name) => misreading.includes(name ?? "")) || isMisread(chain, said)) {
    const hint = "Something between here and the model may have cut or replaced the reply.";
    return { code: "MODEL_BAD_RESPONSE", what: "sent a reply that cannot be read", retryable: true, hint };
  }
  if (
    /did not receive done|premature close|unexpected end of|stream (has )?(ended|closed)|other side closed/i.test(
      said,
    )
  )
    return { code: "MODEL_STREAM_CUT", what: "did not end its reply", retryable: true };
  return { code: "MODEL_FAILED", what: "failed", retryable: false };
}

/** Errors of packages that read a reply, and hold it to a schema of theirs. */
const misreading = ["SyntaxError", "ResponseValidationError", "SDKValidationError", "ZodError"];

/** Whether a package tripped over a reply that lacks what it expects. */
const isMisread = (chain: readonly unknown[], said: string) =>
  /failed to parse stream|error parsing json response/i.test(said) ||
  (namesOf(chain).includes("TypeError") && /^Cannot read properties of (undefined|null)/.test(said));

/** Words with which providers name an error inside a reply, by the status that they have elsewhere. */
const statusWords: readonly (readonly [RegExp, number])[] = [
  [/rate.?limit|too.?many|throttl|resource.?exhausted/i, 429],
  [/overload|unavailable|capacity|busy/i, 503],
  [/invalid.?request|context.?length|bad.?request|invalid.?argument|validation|unprocessable/i, 400],
  [/auth(?!ors?\b)|api.?key|permission|forbidden/i, 401],
  [/not.?found/i, 404],
  [/billing|payment|balance/i, 402],
  [/timeout|timed.?out|deadline/i, 408],
];

const statusOfWord = (word: string): number | undefined =>
  statusWords.find(([pattern]) => pattern.test(word))?.[1];

function outOfQuota(chain: readonly unknown[], said: string): boolean {
  return (
    firstOf(chain, streamedError) === "insufficient_quota" ||
    /insufficient[_ ]quota|exceeded your current quota/i.test(said)
  );
}
