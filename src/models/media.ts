import {
  bytesOf,
  type ChatMessage,
  type ContentPart,
  describePart,
  type MediaPart,
} from "../spec/messages.js";
import type { Message } from "./port.js";

/** A text, and the parts that it stands for where they are more than text. */
export interface Content {
  readonly content: string;
  readonly parts?: readonly ContentPart[];
}

/**
 * Parts as a message holds them: files of text are read here, so that every model can; other media stay parts, and
 * are named in the text.
 */
export function contentOf(given: readonly ContentPart[]): Content {
  const parts = given.map(withTextRead);
  const content = parts.map((part) => (part.type === "text" ? part.text : describePart(part))).join("\n");
  return parts.some(isMedia) ? { content, parts } : { content };
}

/** A message of a conversation as models are given it. What an assistant showed is named, and not sent again. */
export function messageOf({ role, content }: ChatMessage): Message {
  if (typeof content === "string") return { role, content };
  const told = contentOf(content);
  return role === "user" ? { role, ...told } : { role, content: told.content };
}

/** What a message holds beside text. */
export function mediaIn(message: Message): readonly MediaPart[] {
  return "parts" in message && message.parts !== undefined ? message.parts.filter(isMedia) : [];
}

/** The text of a message without the names of what it holds beside text. */
export function wordsOf(message: Message): string {
  if (!("parts" in message) || message.parts === undefined) return message.content;
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

/**
 * Tokens that an image or a file may cost. OpenAI's rule for an image of 1,024 × 1,024 (docs: "Images and vision") gives 765;
 * a page of a document is taken for 50 kB and 1,500 tokens.
 */
export function mediaTokens(message: Message): number {
  return mediaIn(message).reduce(
    (sum, { type, data }) =>
      sum + (type === "image" ? 765 : 1_500 * Math.max(1, Math.ceil(bytesOf(data ?? "") / 50_000))),
    0,
  );
}

export const isMedia = (part: ContentPart): part is MediaPart => part.type !== "text";

const textual = /^text\/|^application\/(?:[\w.-]+\+)?(?:json|xml|yaml|x-yaml|javascript|csv)$/i;

function withTextRead(part: ContentPart): ContentPart {
  if (part.type !== "file" || part.data === undefined || !textual.test(part.mediaType ?? "")) return part;
  const text = Buffer.from(part.data, "base64").toString("utf8");
  return { type: "text", text: `File ${part.name ?? "without a name"} (${part.mediaType}):\n${text}` };
}
