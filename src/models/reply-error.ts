type Loose = Readonly<Record<string, unknown>>;

/** Where servers and gateways put the words of an error. */
const wordFields = [
  ...["message", "detail", "error_msg", "errorMessage", "error_message", "error_description"],
  ...["status_msg", "faultstring", "Message", "exception", "errorMsg", "errMsg", "err_msg"],
];

/** Words that tell of an error only beside a code or a mark that says so. */
const weakWordFields = ["msg", "reason", "title"];

const codeFields = [
  ...["code", "status", "status_code", "statusCode", "error_code", "errorcode", "error_type"],
  ...["errorCode", "errCode", "err_code"],
  ...["__type", "type"],
];

/**
 * Asserts that a reply of status 200 is no error, in the forms that servers and gateways give one: beside an answer or in its
 * place, in one of its choices, as an object, a list or a word.
 * @throws Error with the words and the code that were given.
 */
export function assertNoError(body: unknown): void {
  // Google's servers put an error into a list.
  const event: unknown = Array.isArray(body) && body.length === 1 ? body[0] : body;
  if (!isRecord(event)) return;
  assertNotBlocked(event);
  const found =
    errorBeside(event) ?? errorInChoice(event) ?? (hasAnswer(event) ? undefined : errorInPlace(event));
  if (found === undefined) return;
  const said = innermost(found);
  const own = wordsIn(said, [...wordFields, ...weakWordFields]);
  const message = own ?? JSON.stringify(found).slice(0, 500);
  throw Object.assign(new Error(message), {
    name: "StreamedError",
    error: {
      message: withUpstream(message, said),
      code: codeIn([said, found, event]),
      type: said.type,
      param: said.param,
    },
  });
}

/** What `error` holds, whatever stands beside it. */
function errorBeside(event: Loose): Loose | undefined {
  const { error } = event;
  if (error === true) return event;
  if (isText(error))
    return wordsIn(event, wordFields) === undefined ? { message: error } : { ...event, code: error };
  const first: unknown = Array.isArray(error) ? error[0] : error;
  if (isText(first)) return { message: first };
  if (isRecord(first) && Object.keys(first).length > 0) return first;
  return event.object === "error" || event.type === "error" ? event : undefined;
}

function errorInChoice({ choices }: Loose): Loose | undefined {
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  if (!isRecord(choice)) return undefined;
  return [choice, choice.message, choice.delta]
    .map((place) => (isRecord(place) ? place.error : undefined))
    .find((error): error is Loose => isRecord(error) && Object.keys(error).length > 0);
}

const hasAnswer = ({ choices, usage, candidates }: Loose) =>
  usage !== undefined || [choices, candidates].some((list) => Array.isArray(list) && list.length > 0);

/** An error in place of an answer. */
function errorInPlace(event: Loose): Loose | undefined {
  const { base_resp: status, fault } = event;
  if (isRecord(status) && typeof status.status_code === "number" && status.status_code !== 0) return status;
  if (isRecord(fault)) return fault;
  // The first and the last event of a stream may hold no choices.
  if (Array.isArray(event.choices)) return undefined;
  // Lists of errors, as gateways and validators give them.
  const [listed]: unknown[] = [event.errors, event.detail].flatMap((list) =>
    Array.isArray(list) ? list.slice(0, 1) : [],
  );
  if (isText(listed)) return { message: listed };
  if (isRecord(listed)) return listed;
  if (wordsIn(event, wordFields) !== undefined) return event;
  return isMarked(event) && wordsIn(event, weakWordFields) !== undefined ? event : undefined;
}

/** Whether an object says by a mark that something failed. */
function isMarked(event: Loose): boolean {
  const code = codeIn([event]);
  return (
    event.success === false ||
    isStatus(code) ||
    (typeof code === "number" && code !== 0 && code !== 200) ||
    (isText(event.status) && /^(error|fail)/i.test(event.status))
  );
}

/** What is wrapped in errors of others. */
function innermost(found: Loose): Loose {
  let said = found;
  for (let depth = 0; depth < 4 && isRecord(said.error) && wordsIn(said, wordFields) === undefined; depth++)
    said = said.error;
  return said;
}

const wordsIn = (of: Loose, fields: readonly string[]): string | undefined =>
  fields.map((name) => of[name]).find(isText);

/** The words of a gateway, and beside them those of the server behind it. */
function withUpstream(message: string, { metadata }: Loose): string {
  const raw: unknown = isRecord(metadata) ? metadata.raw : undefined;
  return isText(raw) && !message.includes(raw) ? `${message}: ${raw}` : message;
}

/** The code that says most: an HTTP status, else a word, else a number of the provider's own. */
function codeIn(places: readonly Loose[]): unknown {
  const told = places
    .flatMap((place) => codeFields.map((name) => place[name]))
    .filter((one) => isText(one) || typeof one === "number");
  const isWord = (one: unknown) =>
    isText(one) && !/^-?\d+$/.test(one) && !/^(error|about:blank|fail\w*)$/i.test(one);
  return told.find(isStatus) ?? told.find(isWord) ?? told[0];
}

const isStatus = (code: unknown): boolean => /^[45]\d\d$/.test(String(code));

/** Google's servers answer a prompt that they block with its reason, and without candidates. */
function assertNotBlocked({ promptFeedback, candidates }: Loose): void {
  if (!isRecord(promptFeedback) || !isText(promptFeedback.blockReason)) return;
  if (Array.isArray(candidates) && candidates.length > 0) return;
  const words = isText(promptFeedback.blockReasonMessage) ? `, ${promptFeedback.blockReasonMessage}` : "";
  throw Object.assign(new Error(`prompt blocked: ${promptFeedback.blockReason}${words}`), {
    name: "PromptBlockedError",
  });
}

const isRecord = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
