import { DagError } from "../errors.js";
import { parseCatalogue } from "../models/catalogue.js";
import { mediaIn, wordsOf } from "../models/media.js";
import type { Model, ModelChunk, ModelRequest } from "../models/port.js";
import { cannotRead } from "../models/readable-media.js";
import { loadTokenCounter } from "../models/usage.js";
import { fillFields } from "./fields.js";
import { answerGoal, callsToMake, planLines } from "./planner.js";
import { loadNlp, type ReadTokens } from "./reading.js";
import { answerInWords } from "./skills.js";
import { readTask } from "./task.js";
import { type PlannedCall, toolCallsFor } from "./tool-use.js";

/**
 * A rule-based extractive chat model: no network, no key, the same answer to the byte for the same request. It reads
 * English and answers from the text it is given; what its skills do not cover fails with `OFFLINE_CANNOT`.
 */
export function offlineModel(): Model {
  return { id: "offline", call: streamReply, prepare };
}

/** Loads the language rules, and the tokenizer that counts where a model gives no usage. */
async function prepare(): Promise<void> {
  await loadNlp();
  await loadTokenCounter();
}

/** @throws DagError `ABORTED` when the request's signal is aborted, `OFFLINE_CANNOT` where rules cannot answer. */
async function* streamReply(request: ModelRequest): AsyncGenerator<ModelChunk> {
  stopIfAborted(request.signal);
  const readTokens = await loadNlp();
  stopIfAborted(request.signal);
  const { text, calls } = replyTo(request, readTokens);
  for (const piece of piecesOf(text)) {
    stopIfAborted(request.signal);
    yield { type: "text", text: piece };
  }
  const turn = request.messages.length;
  for (const [index, call] of calls.entries()) {
    stopIfAborted(request.signal);
    const [first = "{}", ...more] = piecesOf(JSON.stringify(call.args));
    yield { type: "tool-call", index, id: `call_${turn}_${index}`, name: call.name, args: first };
    for (const args of more) yield { type: "tool-call", index, args };
  }
  yield { type: "finish", reason: calls.length > 0 ? "tool_calls" : "stop" };
}

/** The whole reply to a request: text, or tool calls. */
function replyTo(
  request: ModelRequest,
  readTokens: ReadTokens,
): { text: string; calls: readonly PlannedCall[] } {
  const { messages, tools, schema } = request;
  const [media] = messages.flatMap(mediaIn);
  const isSilent = messages.every((message) => message.role !== "user" || wordsOf(message).trim() === "");
  if (media !== undefined && isSilent) throw cannotRead("offline", request.node, media, "it reads text only");
  const task = readTask(messages, readTokens);
  const { plan } = task;
  if (plan === null) {
    const calls = toolCallsFor(request, task);
    if (calls.length > 0) return { text: "", calls };
    const results = messages.flatMap((message) => (message.role === "tool" ? [message.content] : []));
    if (schema !== null) return { text: JSON.stringify(fillFields(schema, task)), calls };
    // What the agent's own tools returned is the answer.
    return { text: results.length > 0 ? results.join("\n") : answerInWords(task), calls };
  }
  const catalogue = parseCatalogue(plan.catalogue);
  if (catalogue.length > 0 && tools.length === 0) return { text: planLines(plan.goal, catalogue), calls: [] };
  const { calls, why } = tools.length > 0 ? callsToMake(task, request) : { calls: [], why: "" };
  return calls.length > 0 ? { text: why, calls } : { text: answerGoal(task, schema), calls };
}

/** Pieces of a few words each. */
function piecesOf(text: string): string[] {
  return text.match(/(?:\S+\s*){1,4}|\s+/g) ?? [];
}

function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new DagError("ABORTED", "The request to the offline model was aborted.", { cause: signal.reason });
}
