import { DagError } from "../errors.js";
import { type ContentPart, describePart, type MediaPart } from "../spec/messages.js";
import type { ChatModelLike } from "../spec/shape.js";
import { isMedia, mediaIn } from "./media.js";
import type { Message, ModelRequest } from "./port.js";

/** The model that is to read. */
export interface Reader {
  readonly id: string;
  readonly instance: ChatModelLike;
  /** What LangChain calls the provider. */
  readonly type: string;
}

/**
 * The messages as far as this model can read them. Images of tools that it cannot see are told of in words; what a person
 * gave is never left out in silence.
 * @throws DagError `MODEL_CANNOT_READ` before anything is sent.
 */
export function readable(
  reader: Reader,
  request: ModelRequest,
  messages: readonly Message[],
): readonly Message[] {
  if (!messages.some((message) => mediaIn(message).length > 0)) return messages;
  return messages.map((message): Message => {
    const unread = new Map<MediaPart, string>();
    for (const part of mediaIn(message)) {
      const problem =
        message.role === "tool" && /mistral/.test(reader.type)
          ? "it takes no images after an answer of a tool"
          : whyUnreadable(reader, part);
      if (problem === null) continue;
      if (message.role !== "tool") throw cannotRead(reader.id, request.node, part, problem);
      unread.set(part, problem);
    }
    return message.role === "tool" && unread.size > 0 ? without(message, unread) : message;
  });
}

/** The error of a request whose images or files its model does not take. */
export function cannotRead(model: string, node: string, part: MediaPart, problem: string): DagError {
  const { type, mediaType = null } = part;
  return new DagError(
    "MODEL_CANNOT_READ",
    `Model "${model}" cannot read ${describePart(part)} in the messages of "${node}": ${problem}.`,
    {
      facts: { model, node, part: type, mediaType },
      hint:
        type === "image"
          ? "Use a model that sees images, or leave the image out."
          : "Use a model that reads such files, or give what the file says as text.",
    },
  );
}

/**
 * Why a server refuses a request whose messages hold media, where its words say that it is because of them; else `null`.
 */
export function refusedMedia(request: ModelRequest, error: DagError): DagError | null {
  const part = request.messages.flatMap(mediaIn)[0];
  const { status } = error;
  if (part === undefined || status === undefined || status < 400 || status >= 500 || status === 429)
    return null;
  if (
    !/image|vision|visual|multi-?modal|modalit|\bfiles?\b|pdf|document|content\b.*\bstring/i.test(
      error.message,
    )
  )
    return null;
  const { model } = error.facts as { model: string };
  const told = cannotRead(model, request.node, part, error.message.replace(/[.\s]+$/, ""));
  return new DagError(told.code, told.message, { facts: told.facts, status, cause: error });
}

/** What a tool gave without the parts that cannot be read, of which it says why. */
function without(
  message: Extract<Message, { role: "tool" }>,
  unread: ReadonlyMap<ContentPart, string>,
): Message {
  const { parts = [], ...rest } = message;
  const kept = parts.filter((part) => !unread.has(part));
  const problems = [...new Set(unread.values())].join("; ");
  const content = `${rest.content}\n(This cannot be shown: ${problems}.)`;
  return { ...rest, content, ...(kept.some(isMedia) && { parts: kept }) };
}

/** What a package's own table of models says of one, where it has one. */
function profileOf({ instance }: Reader): Readonly<Record<string, unknown>> {
  try {
    const profile: unknown = (instance as { readonly profile?: unknown }).profile;
    return typeof profile === "object" && profile !== null ? (profile as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Why a model cannot read a part, as far as it is known before it is asked. */
function whyUnreadable(reader: Reader, part: MediaPart): string | null {
  const { type } = reader;
  const { imageInputs, pdfInputs } = profileOf(reader);
  if (part.type === "image") {
    if (imageInputs === false || type === "deepseek") return "it reads no images";
    if (part.url !== undefined && /ollama|google|gemini/.test(type))
      return "it takes an image as data, not as an address";
    return null;
  }
  if (pdfInputs === false || /ollama|mistral|deepseek/.test(type)) return "it reads no files";
  if (/openai/.test(type)) {
    if (part.url !== undefined) return "it takes a file as data, not as an address";
    if (part.mediaType !== "application/pdf") return "of files it reads PDF only";
  }
  if (/anthropic/.test(type) && part.mediaType !== undefined && part.mediaType !== "application/pdf")
    return "of files it reads PDF only";
  if (/google|gemini/.test(type) && part.url !== undefined)
    return "it takes a file as data, not as an address";
  return null;
}
