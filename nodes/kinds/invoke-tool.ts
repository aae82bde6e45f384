import { errorMessage } from "../../src/errors.js";
import { isJson, parseEvent, wordsOfPage } from "../../src/models/reply-body.js";
import type { ToolLike } from "../../src/spec/shape.js";

/** What a tool is called with beside its arguments. */
interface ToolConfig {
  readonly signal: AbortSignal;
  readonly context: unknown;
}

/**
 * Calls a LangChain tool. What one of MCP gives as resources or structured content is no content of LangChain's: it stands in the
 * artifact, which a tool gives only to whoever calls it by a tool call.
 * @param call The id of the call.
 * @returns the tool's content and the resources beside it; where there is neither, the structured content of its artifact
 * @throws Error what the tool throws; one of MCP's in words
 */
export async function invokeTool(
  tool: ToolLike,
  args: unknown,
  call: string,
  config: ToolConfig,
): Promise<unknown> {
  if (!("responseFormat" in tool) || tool.responseFormat !== "content_and_artifact")
    return tool.invoke(args, config);
  let given: unknown;
  try {
    given = await tool.invoke({ type: "tool_call", id: call, name: tool.name, args }, config);
  } catch (error) {
    throw inWords(error);
  }
  if (!isRecord(given) || given.tool_call_id !== call) return given;
  const { content } = given;
  const artifacts = (Array.isArray(given.artifact) ? given.artifact : [given.artifact]).filter(isRecord);
  const files = artifacts.flatMap(({ resource }) => (isRecord(resource) ? blockOf(resource) : []));
  const structured = artifacts.find(({ type }) => type === "mcp_structured_content");
  if (isEmpty(content)) {
    if (structured !== undefined) return structured.data;
    const [first] = files;
    return files.length === 1 && first?.type === "text" ? first.text : ((first && files) ?? content);
  }
  // A block with what MCP adds to it becomes text on its way.
  const isAddedTo = structured !== undefined || artifacts.some(({ type }) => type === "mcp_meta");
  const block = isAddedTo ? textBlock(content) : null;
  if (files.length > 0) return [...blocksOf(block ?? content), ...files];
  return block !== null && structured === undefined ? block.text : (block ?? content);
}

const blocksOf = (content: unknown): readonly unknown[] =>
  Array.isArray(content) ? content : [isRecord(content) ? content : { type: "text", text: String(content) }];

/**
 * The error of an MCP tool as people read it. Of a result with `isError` its client hands on the text alone, and of a server's refusal
 * the body without its status: where that is empty, the message says what is unknown.
 */
function inWords(error: unknown): unknown {
  const message = errorMessage(error);
  if (!isRecord(error) || error.name !== "ToolException") return error;
  const [, tool, words] = /^(MCP tool '.*' on server '.*' returned an error):([\s\S]*)$/.exec(message) ?? [];
  const [, call, body] = /^([\s\S]*?Error POSTing to endpoint): ?([\s\S]*)$/.exec(message) ?? [];
  const told =
    words !== undefined
      ? words.trim() === ""
        ? `${tool} without saying why in words: its result holds no text, and its client hands on nothing else.`
        : message
      : body !== undefined
        ? `${call}: ${wordsOfRefusal(body)}`
        : (withFindings(message) ?? wordsOf(message));
  return told === message ? error : Object.assign(new Error(told, { cause: error }), { name: error.name });
}

/** What a server refuses a request with. One that has been started anew knows no session of before. */
function wordsOfRefusal(body: string): string {
  if (/^\s*(null)?\s*$/.test(body))
    return "the server refused without words, and its client does not tell the HTTP status. If the server was started anew, make another client.";
  const words = isJson(body) ? wordsOfError(body) : wordsOf(body);
  return /\bsession\b/i.test(words)
    ? `${words.replace(/\.$/, "")}. If the server was started anew, make another client.`
    : words;
}

function wordsOfError(body: string): string {
  try {
    parseEvent(body);
    return body;
  } catch (error) {
    return errorMessage(error);
  }
}

const wordsOf = (text: string) => (/<(?:!doctype|html|body)\b/i.test(text) ? wordsOfPage(text) : text);

/** A message that ends in findings as JSON, as the client's check of a result writes them. */
function withFindings(message: string): string | null {
  const from = message.search(/\[\s*\{/);
  try {
    const findings: unknown = from === -1 ? null : JSON.parse(message.slice(from));
    if (!Array.isArray(findings)) return null;
    const told = findings.filter(isRecord).map((one) => `${[one.path].flat().join(".")}: ${one.message}`);
    return `${message.slice(0, from)}what the server gave is no result of MCP: ${told.slice(0, 5).join("; ")}`;
  } catch {
    return null;
  }
}

const isEmpty = (content: unknown) =>
  content === "" || content === "[]" || (Array.isArray(content) && content.length === 0);

function blockOf({ text, blob, mimeType = "application/octet-stream" }: Loose): Loose[] {
  if (typeof text === "string") return [{ type: "text", text }];
  if (typeof blob !== "string") return [];
  const type = String(mimeType).startsWith("image/") ? "image" : "file";
  return [{ type, source_type: "base64", mime_type: mimeType, data: blob }];
}

function textBlock(content: unknown): Loose | null {
  if (typeof content !== "string" || !content.startsWith("{")) return null;
  try {
    const block: unknown = JSON.parse(content);
    return isRecord(block) && block.type === "text" ? block : null;
  } catch {
    return null;
  }
}

type Loose = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Loose => typeof value === "object" && value !== null;
