import { DagError, errorMessage } from "../../src/errors.js";
import {
  type Message,
  type ModelChunk,
  type ModelReply,
  ownCallId,
  saidBy,
  type ToolCall,
  type ToolSpec,
} from "../../src/models/port.js";
import { readArguments } from "../../src/models/tool-arguments.js";
import { type Outcome, whyMissing } from "../../src/records/outcome.js";
import { didYouMean } from "../../src/spec/did-you-mean.js";
import { nodeOf } from "../../src/spec/order.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { CancelError } from "../engine/cancel.js";
import { textOf } from "../kinds/prompt.js";
import { schemaProblem } from "./plan-check.js";
import type { NodeCall } from "./planner-calls.js";
import { callableOf } from "./planner-catalogue.js";
import { answerReader, type Ending, endingOf } from "./planner-ending.js";
import { plannedPrompt } from "./planner-prompt.js";
import { askPlanner, type CallUnit, type PlannerSession, settleCalls } from "./planner-session.js";

/** The conversation of a planner whose tools are the nodes: JSON, stored between LangGraph nodes. */
export interface PlannedTalk {
  /** What was said after the first messages. */
  readonly messages: readonly Message[];
  /** Messages that the planner wrote so far. */
  readonly turns: number;
  /** Calls and messages of the planner that could not be used. */
  readonly mistakes: number;
  /** Calls of the latest message that have no answer yet. */
  readonly pending: readonly PendingCall[];
}

/** A call that the planner asked for: what to run, or what is wrong with it. */
export interface PendingCall {
  /** Names the call within the run: by its message and its place, whatever the provider calls it. */
  readonly id: string;
  /** What the provider calls it, which its answer has to name. */
  readonly toolCallId: string;
  readonly name: string;
  readonly args: string;
  readonly problem: string | null;
}

export const defaultMaxIterations = 10;

export const newTalk: PlannedTalk = { messages: [], turns: 0, mistakes: 0, pending: [] };

/**
 * One step of the planner: calls to make, or the end. Calls whose arguments are complete start while it writes, where they can only ask
 * a model: what may do something else is called by a whole message alone.
 */
export async function takeTurn(
  session: PlannerSession,
  talk: PlannedTalk,
): Promise<{ readonly talk: PlannedTalk } | { readonly ending: Ending }> {
  const { maxIterations = defaultMaxIterations } = session.options;
  const answers = answerReader(session);
  const tools = toolsOf(session);
  const first = await plannedPrompt(session, { tools, schema: answers.schema });
  const messages: Message[] = [...talk.messages];
  let { turns, mistakes } = talk;
  let silent = 0;
  let startedAtMs = session.scope.run.events.nowMs();

  try {
    for (;;) {
      const last = turns + 1 >= maxIterations;
      startedAtMs = session.scope.run.events.nowMs();
      const eager = startEagerly(session, turns, last);
      const reply = await askPlanner(session, {
        as: "$planner",
        ...first,
        messages: [...first.messages, ...messages, ...(last && turns > 0 ? [lastMessage] : [])],
        tools,
        schema: answers.schema,
        turn: turns++,
        onChunk: eager.onChunk,
      });
      const calls = reply.toolCalls;
      eager.confirm(calls);
      messages.push(saidBy(reply));
      if (calls.length > 0) {
        if (last) throw outOfIterations(maxIterations, mistakes, reply.text);
        const pending = calls.map((call, index) => pendingCall(session, call, turns - 1, index));
        assertUsable(messages, pending);
        return { talk: { messages, turns, mistakes, pending } };
      }
      if (reply.text.trim() === "") {
        mistakes++;
        if (silent++ >= maxSilent) throw emptyReply(reply);
        if (turns >= maxIterations) throw outOfIterations(maxIterations, mistakes, reply.text);
        messages.push({
          role: "user",
          content: `Your message has no answer (finish reason: ${reply.finishReason ?? "none"}). Call a tool, or answer the goal.`,
        });
        continue;
      }
      const read = await answers.read(reply);
      if ("answer" in read) return { ending: { answer: read.answer, startedAtMs } };
      messages.push(read.repair);
    }
  } catch (error) {
    return { ending: endingOf(error, startedAtMs) };
  }
}

/**
 * Makes the calls of the planner's latest message and answers each, in the message's order; `null` where the run stops here to
 * be resumed.
 */
export async function answerCalls(session: PlannerSession, talk: PlannedTalk): Promise<PlannedTalk | null> {
  const units = talk.pending.flatMap((pending): CallUnit[] => {
    const call = pending.problem === null ? nodeCallOf(session, pending) : null;
    return call === null ? [] : [{ id: pending.id, start: () => session.pendingCalls.start(call) }];
  });
  if (!(await settleCalls(session, units))) return null;
  const answers = talk.pending.map(
    ({ id, toolCallId, name, problem }): Message => ({
      role: "tool",
      toolCallId,
      name,
      content: problem ?? resultText(name, session.runs.get(id)?.outcome),
    }),
  );
  const mistakes = talk.pending.filter(({ problem }) => problem !== null).length;
  return {
    messages: [...talk.messages, ...answers],
    turns: talk.turns,
    mistakes: talk.mistakes + mistakes,
    pending: [],
  };
}

function resultText(name: string, outcome: Outcome | undefined): string {
  return outcome?.state === "completed"
    ? textOf(outcome.value)
    : `Nothing came from ${name}: ${whyMissing(outcome)}`;
}

const lastMessage: Message = {
  role: "user",
  content: "This is your last message: answer the goal now from what there is, without calling a tool.",
};

/** Starts calls while the planner's message streams; `confirm` cancels those that the whole message does not hold. */
function startEagerly(session: PlannerSession, turn: number, last: boolean) {
  let watcher = createCallWatcher();
  /** Started calls by id; of a message that broke off and was begun again, those that may come again. */
  const started = new Map<string, StreamedCall>();
  let abandoned: [string, StreamedCall][] = [];

  const start = (call: StreamedCall) => {
    const id = ownCallId(turn, call.index);
    if (last || session.runs.has(id) || problemOf(session, call, call.index) !== null) return;
    const nodeCall = nodeCallOf(session, call);
    if (nodeCall === null || !onlyAsks(session, nodeCall.node)) return;
    const again = abandoned.find(([, one]) => sameCall(one, call));
    const run = session.runs.get(again?.[0] ?? "") ?? session.pendingCalls.start(nodeCall);
    abandoned = abandoned.filter((one) => one !== again);
    if (again !== undefined) session.runs.delete(again[0]);
    session.runs.set(id, run);
    started.set(id, call);
  };
  const drop = (id: string, name: string) => {
    const message = `The planner's message does not hold this call of "${name}".`;
    session.runs.get(id)?.cancel(new CancelError("not-needed", message));
    session.runs.delete(id);
  };
  return {
    onChunk(chunk: ModelChunk) {
      if (chunk.type === "restart") {
        watcher = createCallWatcher();
        abandoned = [...abandoned, ...started];
        started.clear();
      }
      for (const call of watcher.add(chunk)) start(call);
    },
    confirm(calls: readonly ToolCall[]) {
      for (const [id, { name }] of abandoned) drop(id, name);
      for (const [id, call] of started) {
        const whole = calls[call.index];
        if (whole === undefined || !sameCall(whole, call)) drop(id, call.name);
      }
    },
  };
}

/** Whether a call of the node only asks models: it is an agent without tools, or a graph of such, and so are the needs that it would run first. */
function onlyAsks(session: PlannerSession, called: string): boolean {
  const hasRun = (need: string) => session.pendingCalls.runsOf(need).length > 0;
  const asks = (spec: DagSpec, name: string): boolean => {
    const { instructions, tools = [], dag } = nodeOf(spec, name);
    if (dag !== undefined) return Object.keys(dag.nodes).every((inner) => asks(dag, inner));
    return instructions !== undefined && tools.length === 0;
  };
  const seen = new Set([called]);
  for (const name of seen) {
    if (!asks(session.spec, name)) return false;
    for (const need of nodeOf(session.spec, name).needs ?? []) if (!hasRun(need)) seen.add(need);
  }
  return true;
}

const sameCall = (a: Omit<ToolCall, "id">, b: Omit<ToolCall, "id">) =>
  a.name === b.name && a.args.trim() === b.args.trim();

/** A tool call whose arguments have finished streaming. */
interface StreamedCall extends ToolCall {
  /** Position among the calls of the message. */
  readonly index: number;
}

/** Watches a planner's message for calls that are complete while the rest of it still streams. */
interface CallWatcher {
  /** The calls that the chunk completed: at the closing brace of their arguments, or where the next call begins. */
  add(chunk: ModelChunk): StreamedCall[];
}

interface OpenCall {
  readonly index: number;
  id: string;
  name: string;
  args: string;
  depth: number;
  inString: boolean;
  escaped: boolean;
  complete: boolean;
}

function createCallWatcher(): CallWatcher {
  const calls = new Map<number, OpenCall>();
  return {
    add(chunk) {
      if (chunk.type !== "tool-call") return [];
      const completed: StreamedCall[] = [];
      let call = calls.get(chunk.index);
      if (call === undefined) {
        for (const before of calls.values()) if (!before.complete) completed.push(finish(before));
        call = {
          index: chunk.index,
          id: "",
          name: "",
          args: "",
          depth: 0,
          inString: false,
          escaped: false,
          complete: false,
        };
        calls.set(chunk.index, call);
      }
      if (chunk.id) call.id = chunk.id;
      if (chunk.name) call.name = chunk.name;
      const wasComplete = call.complete;
      call.args += chunk.args;
      if (!wasComplete && closes(call, chunk.args)) completed.push(finish(call));
      return completed;
    },
  };
}

function finish(call: OpenCall): StreamedCall {
  call.complete = true;
  return { index: call.index, id: call.id, name: call.name, args: call.args };
}

/** Whether the piece ends the JSON object that the arguments are. */
function closes(call: OpenCall, piece: string): boolean {
  for (const char of piece.split("")) {
    if (call.inString) {
      if (call.escaped) call.escaped = false;
      else if (char === "\\") call.escaped = true;
      else if (char === '"') call.inString = false;
    } else if (char === '"') call.inString = true;
    else if (char === "{" || char === "[") call.depth++;
    else if (char === "}" || char === "]") {
      call.depth--;
      if (call.depth <= 0) return true;
    }
  }
  return false;
}

function pendingCall(session: PlannerSession, call: ToolCall, turn: number, index: number): PendingCall {
  const { id: toolCallId, name, args } = call;
  return { id: ownCallId(turn, index), toolCallId, name, args, problem: problemOf(session, call, index) };
}

/** How often a planner is told that its message has no answer. */
const maxSilent = 1;

/** How many messages in a row may hold no call that can be made; half as many where they say the same. */
const unusableMessages = 4;

/** Ends a planner early that keeps calling what cannot be called: every further message would be paid for nothing. */
function assertUsable(messages: readonly Message[], pending: readonly PendingCall[]): void {
  if (pending.some(({ problem }) => problem === null)) return;
  const said = (message: Message) =>
    message.role === "assistant"
      ? JSON.stringify(message.toolCalls?.map(({ name, args }) => [name, args]) ?? [])
      : "";
  const unusable = (text: string) => unusableAnswer.test(text);
  const row: string[] = [];
  let answers: string[] = [];
  for (const message of messages.toReversed()) {
    if (message.role === "tool") answers.push(message.content);
    else if (message.role === "assistant") {
      if (row.length > 0 && (answers.length === 0 || !answers.every(unusable))) break;
      row.push(said(message));
      answers = [];
    }
  }
  const repeated = row.filter((one) => one === row[0]).length;
  if (repeated < unusableMessages / 2 && row.length < unusableMessages) return;
  throw new DagError(
    "TOOL_CALLS_UNUSABLE",
    `The planner called what cannot be called in ${row.length} messages in a row: ${pending.map(({ problem }) => problem).join(" ")}`,
    {
      facts: { messages: row.length, tools: pending.map(({ name }) => name) },
      hint: "Narrow the goal, or use a planner model that calls tools well (`planner.model`).",
    },
  );
}

/** How {@link problemOf} begins what it tells of a call that cannot be made. */
const unusableAnswer = /^(There is no tool |The arguments (do not fit|are not valid JSON): )/;

function emptyReply(reply: ModelReply): DagError {
  return new DagError(
    "EMPTY_REPLY",
    `The planner's reply is empty again (finish reason: ${reply.finishReason ?? "none"}).`,
    { hint: "Try another model for the planner (`planner.model`)." },
  );
}

/** What is wrong with a call, told to the planner; `null` when it can be made. */
function problemOf(session: PlannerSession, call: Omit<ToolCall, "id">, index: number): string | null {
  const callable = callableOf(session.callables, call.name);
  if (callable === undefined) {
    return `There is no tool "${call.name}". ${didYouMean(call.name, session.callables.keys())}`;
  }
  if (session.options.parallelToolCalls === false && index > 0) {
    return "It was not run: only one call in a message is allowed. Call it again.";
  }
  try {
    const args = readArguments(call);
    const problem = schemaProblem(args, callable.parameters);
    return problem === undefined
      ? null
      : `The arguments do not fit: ${problem}. Call it again with arguments that do.`;
  } catch (error) {
    return `The arguments are not valid JSON: ${errorMessage(error)}. Call it again with valid JSON.`;
  }
}

/** A call that has no problem, as it is started. */
export function nodeCallOf(session: PlannerSession, call: Omit<ToolCall, "id">): NodeCall | null {
  const callable = callableOf(session.callables, call.name);
  if (callable === undefined) return null;
  const args = (readArguments(call) ?? {}) as Record<string, unknown>;
  if (callable.node.tool !== undefined) return { node: callable.name, args };
  const { focus, input } = args;
  return {
    node: callable.name,
    ...(typeof focus === "string" && focus.trim() !== "" && { focus }),
    ...(typeof input === "string" && { text: input }),
  };
}

function toolsOf({ callables }: PlannerSession): ToolSpec[] {
  return [...callables.values()].map(({ entry, parameters }) => ({
    name: entry.name,
    description: entry.description,
    parameters,
  }));
}

function outOfIterations(maxIterations: number, mistakes: number, text: string): DagError {
  return new DagError(
    "PLANNER_ITERATIONS_EXCEEDED",
    `The planner wrote ${maxIterations} messages, ${mistakes} of them or of their calls unusable, and gave no answer.`,
    {
      facts: { maxIterations, mistakes },
      ...(text !== "" && { text }),
      hint: "Raise `planner.maxIterations`, or narrow the goal.",
    },
  );
}
