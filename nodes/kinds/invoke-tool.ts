import type { ToolLike } from "../../src/spec/shape.js";

/** What a tool is called with beside its arguments. */
interface ToolConfig {
  readonly signal: AbortSignal;
  readonly context: unknown;
}

/**
 * Calls a LangChain tool. One of MCP that answers with a resource or structured content alone has no content of LangChain's: what
 * it gave stands in the artifact, which a tool gives only to whoever calls it by a tool call.
 * @param call The id of the call.
 * @returns the tool's content; where that is empty, what its artifact holds
 */
export async function invokeTool(
  tool: ToolLike,
  args: unknown,
  call: string,
  config: ToolConfig,
): Promise<unknown> {
  if (!("responseFormat" in tool) || tool.responseFormat !== "content_and_artifact")
    return tool.invoke(args, config);
  const given: unknown = await tool.invoke({ type: "tool_call", id: call, name: tool.name, args }, config);
  if (!isRecord(given) || given.tool_call_id !== call) return given;
  const { content } = given;
  const artifacts = (Array.isArray(given.artifact) ? given.artifact : [given.artifact]).filter(isRecord);
  if (isEmpty(content)) return heldBy(artifacts) ?? content;
  // A block with what MCP adds to it becomes text on its way.
  const isAddedTo = artifacts.some(({ type }) => type === "mcp_structured_content" || type === "mcp_meta");
  return (isAddedTo ? textBlock(content) : null) ?? content;
}

const isEmpty = (content: unknown) =>
  content === "" || content === "[]" || (Array.isArray(content) && content.length === 0);

/** Structured content as it is, else the texts and files of resources; `undefined` where there is neither. */
function heldBy(artifacts: readonly Loose[]): unknown {
  const structured = artifacts.find(({ type }) => type === "mcp_structured_content");
  if (structured !== undefined) return structured.data;
  const blocks = artifacts.flatMap(({ resource }) => (isRecord(resource) ? blockOf(resource) : []));
  const [first] = blocks;
  return blocks.length === 1 && first?.type === "text" ? first.text : first && blocks;
}

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
