import { DagError } from "../errors.js";
import type { Model, ModelChunk, ModelRequest } from "../models/port.js";
import type { Section } from "../models/sections.js";
import { loadTokenCounter } from "../models/usage.js";
import { answer } from "./answer.js";
import { fixed } from "./fixed-phrases.js";
import { loadNlp, type ReadTokens } from "./nlp.js";
import { callsToMake, type PlannedCall, planLines, readPlannerPrompt } from "./planner.js";
import { readTask, type Task, taskOf } from "./task.js";
import { toolCallsFor } from "./tool-use.js";

/**
 * A rule-based extractive chat model: no network, no key, the same answer to the byte for the same request. It reads
 * English, answers from the text it is given and says so where the text does not answer.
 */
export function offlineModel(): Model {
  return { id: "offline", call: streamReply, prepare };
}

/** Loads the language rules, and the tokenizer that counts where a model gives no usage. */
async function prepare(): Promise<void> {
  await loadNlp();
  await loadTokenCounter();
}

/** @throws DagError `ABORTED` when the request's signal is aborted. */
async function* streamReply(request: ModelRequest): AsyncGenerator<ModelChunk> {
  stopIfAborted(request.signal);
  const readTokens = await loadNlp();
  stopIfAborted(request.signal);
  const reply = replyTo(request, readTokens);
  const calls = reply.calls;
  for (const text of piecesOf(reply.text)) {
    stopIfAborted(request.signal);
    yield { type: "text", text };
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
  const prompt = readPlannerPrompt(messages);
  if (prompt === null) {
    const task = readTask(messages, readTokens);
    const calls = toolCallsFor(request, task);
    return calls.length > 0
      ? { text: "", calls }
      : { text: answer(withResults(task, messages, readTokens), schema), calls: [] };
  }
  if (prompt.catalogue.length > 0 && tools.length === 0) return { text: planLines(prompt), calls: [] };
  const calls = tools.length > 0 ? callsToMake(prompt, request) : [];
  if (calls.length > 0) return { text: "", calls };
  const system = messages
    .flatMap((message) => (message.role === "system" ? [message.content] : []))
    .join("\n");
  const task = taskOf(prompt.goal || system, [...prompt.material, ...resultsOf(messages)], readTokens);
  const text = answer(task, schema);
  // A goal that no sentence answers is answered by what was called for it.
  const found = text === fixed.notFound ? task.needs.map((need) => need.text) : [];
  return { text: found.length > 0 ? found.join("\n\n") : text, calls: [] };
}

/** Tool results as sections labelled by tool; of several, all. */
function resultsOf(messages: readonly ModelRequest["messages"][number][]): Section[] {
  return messages.flatMap((message) =>
    message.role === "tool" ? [{ label: message.name, content: message.content }] : [],
  );
}

function withResults(task: Task, messages: ModelRequest["messages"], readTokens: ReadTokens): Task {
  const results = resultsOf(messages);
  const { needs } = taskOf(task.instructions, results, readTokens);
  return { ...task, needs: [...task.needs, ...needs], results: needs.map(({ text }) => text) };
}

/** Pieces of a few words each. */
function piecesOf(text: string): string[] {
  return text.match(/(?:\S+\s*){1,4}|\s+/g) ?? [];
}

function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new DagError("ABORTED", "The request to the offline model was aborted.", { cause: signal.reason });
}
