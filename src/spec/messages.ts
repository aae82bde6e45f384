import { createHash } from "node:crypto";
import { z } from "zod";
import { excerpt } from "./issue.js";
import type { JsonSchema } from "./shape.js";

/** A piece of text in a message. */
export interface TextContent {
  /** Marks text. */
  readonly type: "text";
  /** The text. */
  readonly text: string;
}

/** An image or a file in a message: its bytes as `data`, or where it lies as `url`. */
export interface MediaPart {
  /** What it is. */
  readonly type: "image" | "file";
  /** Such as `image/png`; known of everything that comes as `data`. */
  readonly mediaType?: string;
  /** The bytes, in base64. */
  readonly data?: string;
  /** An address of `http:` or `https:`. */
  readonly url?: string;
  /** The file's name. */
  readonly name?: string;
}

/** A part of a message. */
export type ContentPart = TextContent | MediaPart;

/** A message of a conversation, as nodes see it. */
export interface ChatMessage {
  /** Who speaks. */
  readonly role: "system" | "user" | "assistant";
  /** Text, or parts where it holds more than text. */
  readonly content: string | readonly ContentPart[];
}

/**
 * A message of a conversation, as `run` takes it. Parts are read as the common clients write them: besides
 * {@link ContentPart} those of OpenAI (`image_url`, `file`), Anthropic (`source`), LangChain (`mime_type`, `source_type`) and
 * Vercel's AI SDK (`image`, `mediaType`, `parts` in place of `content`), data URLs included.
 */
export interface ChatMessageInput {
  /** Who speaks; `developer` is `system`, `human` is `user`, `ai` is `assistant`. */
  readonly role: "system" | "user" | "assistant" | "developer" | "human" | "ai";
  /** Text, or parts. */
  readonly content?: string | readonly (string | PartInput)[] | null;
  /** The parts, where there is no `content`. */
  readonly parts?: readonly PartInput[];
}

/** A part as a client writes it. */
export interface PartInput {
  /** What it is, in the word of its client. */
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What a schema of {@link messages} is told by, wherever it is written as JSON Schema. */
const messagesFormat = "messages";

/**
 * The input of a DAG that works on a conversation: a list of messages, the oldest first, at least one. Agents are given
 * them as real messages between their instructions and the data they need.
 * @example
 * defineDag({ name: "chat", input: messages(), nodes: { answer: { instructions: "Answer the last question." } } })
 */
export function messages(): z.ZodType<readonly ChatMessage[], readonly ChatMessageInput[]> {
  return z
    .unknown()
    .transform((value, context) => {
      const problems: Problem[] = [];
      const read = readMessages(value, problems);
      for (const { path, message } of problems) context.addIssue({ code: "custom", path, message });
      return read;
    })
    .meta(messagesJsonSchema()) as unknown as z.ZodType<readonly ChatMessage[], readonly ChatMessageInput[]>;
}

/** {@link messages} as JSON Schema: as files hold it, and as it is shown. */
export function messagesJsonSchema(): Record<string, unknown> {
  const parts = {
    type: "array",
    items: { type: "object", properties: { type: { type: "string" } }, required: ["type"] },
  };
  return {
    type: "array",
    format: messagesFormat,
    minItems: 1,
    items: {
      type: "object",
      properties: {
        role: { type: "string", enum: ["user", "assistant", "system"] },
        content: { anyOf: [{ type: "string" }, parts] },
      },
      required: ["role"],
    },
  };
}

/** Whether a JSON Schema is that of {@link messages}. */
export function isMessagesSchema(schema: unknown): boolean {
  return isRecord(schema) && schema.type === "array" && schema.format === messagesFormat;
}

/** The fields of an object's JSON Schema that hold messages. */
export function messageFields(schema: JsonSchema): string[] {
  const { properties } = schema;
  if (!isRecord(properties)) return [];
  return Object.keys(properties).filter((name) => isMessagesSchema(properties[name]));
}

/** What a part is called where it cannot stand itself: `[image photo.png, image/png, 12 kB]`. */
export function describePart(part: MediaPart): string {
  const { type, name, mediaType, data, url } = part;
  const size = data === undefined ? undefined : sizeText(bytesOf(data));
  const place = url === undefined ? undefined : url.replace(/[?#].*$/s, "").replace(/\/\/[^/@]*@/, "//");
  return `[${[type, [name, mediaType, size, place].filter((one) => one !== undefined).join(", ")].join(" ").trim()}]`;
}

/**
 * JSON as it is kept in records: the bytes of images and files by their digest (`[sha256:… 12345 bytes]`), everything
 * else as it is.
 */
export function withoutBytes(value: unknown): unknown {
  if (typeof value === "string") return keptText(value);
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutBytes(part)]));
}

/** Longest base64 that is kept as it is, in characters. */
const longestKept = 1_024;

function keptText(text: string): string {
  if (text.length <= longestKept) return text;
  const url = dataUrl.exec(text);
  const data = url === null ? text : text.slice(url[0].length);
  if (!base64.test(data)) return text;
  const digest = createHash("sha256").update(Buffer.from(data, "base64")).digest("hex").slice(0, 16);
  return `${url?.[0] ?? ""}[sha256:${digest} ${bytesOf(data)} bytes]`;
}

/** Something that is wrong with messages, and where. */
interface Problem {
  readonly path: (string | number)[];
  readonly message: string;
}

type Path = readonly (string | number)[];

function readMessages(value: unknown, problems: Problem[]): ChatMessage[] {
  if (!Array.isArray(value)) {
    problems.push({
      path: [],
      message: `A list of messages is expected, such as [{ "role": "user", "content": "…" }], but this is ${shown(value)}`,
    });
    return [];
  }
  if (value.length === 0) problems.push({ path: [], message: "The list of messages is empty" });
  return value.flatMap((one, index) => readMessage(one, [index], problems));
}

const roles: Readonly<Record<string, ChatMessage["role"]>> = {
  user: "user",
  human: "user",
  assistant: "assistant",
  ai: "assistant",
  system: "system",
  developer: "system",
};

function readMessage(value: unknown, path: Path, problems: Problem[]): ChatMessage[] {
  const tell = (steps: Path, message: string) => problems.push({ path: [...path, ...steps], message });
  if (!isRecord(value)) {
    tell(
      [],
      `A message is expected, such as { "role": "user", "content": "…" }, but this is ${shown(value)}`,
    );
    return [];
  }
  const role =
    typeof value.role === "string" && Object.hasOwn(roles, value.role) ? roles[value.role] : undefined;
  if (role === undefined) {
    const hint =
      value.role === "tool" || value.role === "function" ? "; give what a tool said as text of the user" : "";
    tell(["role"], `The role has to be "user", "assistant" or "system", but is ${shown(value.role)}${hint}`);
    return [];
  }
  const field = value.content === undefined || value.content === null ? "parts" : "content";
  const content = value[field];
  if (typeof content === "string") {
    if (content.trim() === "" && role !== "assistant") tell([field], "The message is empty");
    return [{ role, content }];
  }
  if (!Array.isArray(content)) {
    tell(
      [field === "parts" ? "content" : field],
      `Text or a list of parts is expected, but this is ${shown(content)}`,
    );
    return [];
  }
  const before = problems.length;
  const parts = content.flatMap((part, index) => readPart(part, [...path, field, index], problems));
  const isEmpty = parts.every((part) => part.type === "text" && part.text.trim() === "");
  if (isEmpty && problems.length === before && role !== "assistant") tell([field], "The message is empty");
  if (role === "system" && parts.some(({ type }) => type !== "text"))
    tell([field], "A system message holds text only");
  const isText = parts.every((part) => part.type === "text");
  return [{ role, content: isText ? parts.map((part) => (part as TextContent).text).join("\n") : parts }];
}

/** Marks and thoughts of clients' own: no part of what was said. */
const silent = ["reasoning", "thinking", "redacted_thinking", "step-start"];

function readPart(value: unknown, path: Path, problems: Problem[]): ContentPart[] {
  const tell = (steps: Path, message: string) => problems.push({ path: [...path, ...steps], message });
  if (typeof value === "string") return [{ type: "text", text: value }];
  if (!isRecord(value)) {
    tell([], `A part is expected, such as { "type": "text", "text": "…" }, but this is ${shown(value)}`);
    return [];
  }
  const { type } = value;
  if (type === "text" || type === "input_text" || type === "output_text") {
    if (typeof value.text === "string") return [{ type: "text", text: value.text }];
    tell(["text"], `A text is expected, but this is ${shown(value.text)}`);
    return [];
  }
  if (typeof type === "string" && silent.includes(type)) return [];
  const words = wordsOfFile(value);
  if (words !== undefined) return [words];
  const kind = typeof type === "string" ? mediaKinds[type] : undefined;
  if (kind === undefined) {
    tell(["type"], `The type of a part has to be "text", "image" or "file", but is ${shown(type)}`);
    return [];
  }
  const part = readMedia(kind, value, tell);
  return part === undefined ? [] : [part];
}

/** A file whose text stands in the part itself, as Anthropic (`source`) and LangChain (`source_type`) write it. */
function wordsOfFile(value: Readonly<Record<string, unknown>>): MediaPart | undefined {
  const source = isRecord(value.source) ? value.source : {};
  const text =
    source.type === "text"
      ? source.data
      : value.source_type === "text" || value.type === "text-plain"
        ? value.text
        : undefined;
  if (typeof text !== "string") return undefined;
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const name = firstText([value, metadata], ["name", "filename", "fileName", "title"]);
  const data = Buffer.from(text).toString("base64");
  return { type: "file", mediaType: "text/plain", data, ...(name !== undefined && { name }) };
}

const mediaKinds: Readonly<Record<string, MediaPart["type"]>> = {
  image: "image",
  image_url: "image",
  input_image: "image",
  file: "file",
  input_file: "file",
  document: "file",
};

/** Where clients put the bytes or the address of a part. */
const bytesFields = ["data", "url", "image", "image_url", "file", "file_data", "file_url", "source"];

/** An image or file of whatever spelling; `undefined` after telling what is wrong. */
function readMedia(
  kind: MediaPart["type"],
  value: Readonly<Record<string, unknown>>,
  tell: (steps: Path, message: string) => void,
): MediaPart | undefined {
  const field = bytesFields.find((one) => value[one] !== undefined && value[one] !== null);
  if (field === undefined) {
    tell([], `The ${kind} has neither \`data\` (base64) nor \`url\``);
    return undefined;
  }
  const inner = isRecord(value[field]) ? value[field] : {};
  const innerField = bytesFields.find((one) => typeof inner[one] === "string");
  const steps: Path = isRecord(value[field])
    ? [field, ...(innerField === undefined ? [] : [innerField])]
    : [field];
  const raw = isRecord(value[field])
    ? innerField === undefined
      ? undefined
      : inner[innerField]
    : value[field];
  if (typeof raw !== "string" || raw.trim() === "") {
    tell(
      steps,
      `The bytes of the ${kind} in base64, or its address, are expected, but this is ${shown(raw)}`,
    );
    return undefined;
  }
  const stated = firstText([value, inner], ["mediaType", "mimeType", "mime_type", "media_type"]);
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const name = firstText([value, inner, metadata], ["name", "filename", "fileName", "title"]);
  const named = name === undefined ? {} : { name };
  if (/^https?:\/\//i.test(raw)) {
    if (!URL.canParse(raw)) {
      tell(steps, `${shown(raw)} is not an address`);
      return undefined;
    }
    const type = stated?.startsWith("image/") ? "image" : kind;
    return { type, ...(stated !== undefined && { mediaType: stated }), url: raw, ...named };
  }
  const url = dataUrl.exec(raw);
  const data = (url === null ? raw : raw.slice(url[0].length)).replace(/\s+/g, "");
  if ((url === null && /^[a-z][a-z\d+.-]*:/i.test(raw)) || (url !== null && !/;base64,$/i.test(url[0]))) {
    tell(steps, `An address of http: or https:, or base64, is expected, but this is ${shown(raw)}`);
    return undefined;
  }
  if (!base64.test(data)) {
    const kept = /^\[sha256:/.test(data) ? "; a record does not keep the bytes of its input" : "";
    tell(steps, `${shown(raw)} is not base64${kept}`);
    return undefined;
  }
  const mediaType = (url?.[1] || stated || sniffed(data))?.toLowerCase();
  if (mediaType === undefined) {
    tell(
      ["mediaType"],
      `The ${kind} needs its \`mediaType\`, such as ${kind === "image" ? "image/png" : "application/pdf"}`,
    );
    return undefined;
  }
  if (kind === "image" && !mediaType.startsWith("image/")) {
    tell(["mediaType"], `The media type of an image begins with "image/", but is ${shown(mediaType)}`);
    return undefined;
  }
  return { type: mediaType.startsWith("image/") ? "image" : "file", mediaType, data, ...named };
}

/**
 * The parts of content blocks as tools give them; `null` where a value is something else. What no message can hold (sounds,
 * resources elsewhere) is named in words: its bytes never pass for text.
 */
export function readBlocks(value: unknown): readonly ContentPart[] | null {
  if (isRecord(value) && value.type === "text" && typeof value.text === "string") return [readBlock(value)];
  if (!Array.isArray(value) || value.length === 0 || !value.every(isBlock)) return null;
  return value.map(readBlock);
}

const isBlock = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isRecord(value) &&
  (value.type === "text" ||
    value.type === "audio" ||
    value.type === "video" ||
    String(value.type) in mediaKinds);

function readBlock(block: Readonly<Record<string, unknown>>): ContentPart {
  const { type, text } = block;
  if (typeof text === "string") return { type: "text", text };
  const [part] = type === "audio" || type === "video" ? [] : readPart(block, [], []);
  if (part !== undefined) return part;
  const { source_type: _source, type: _type, ...rest } = block;
  return { type: "text", text: `[${String(type)} ${JSON.stringify(withoutBytes(rest))}]` };
}

const dataUrl = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w-]+=[^;,]*)*(?:;base64)?,/i;
const base64 = /^[A-Za-z\d+/_-]+={0,2}$/;

/** What the first bytes of a picture or a document tell. */
function sniffed(data: string): string | undefined {
  const known = [
    ["iVBORw0KGgo", "image/png"],
    ["/9j/", "image/jpeg"],
    ["R0lGOD", "image/gif"],
    ["UklGR", "image/webp"],
    ["JVBERi", "application/pdf"],
  ] as const;
  return known.find(([start]) => data.startsWith(start))?.[1];
}

function firstText(places: readonly Readonly<Record<string, unknown>>[], names: readonly string[]) {
  for (const place of places)
    for (const name of names) if (typeof place[name] === "string" && place[name] !== "") return place[name];
  return undefined;
}

/** Bytes that a base64 text stands for. */
export const bytesOf = (data: string): number => Math.floor((data.replace(/=+$/, "").length * 3) / 4);

function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function shown(value: unknown): string {
  if (value === undefined) return "not there";
  const text = JSON.stringify(value) ?? String(value);
  return excerpt(text, 60);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
