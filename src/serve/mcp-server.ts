import { createRequire } from "node:module";
import { DagError, errorMessage } from "../errors.js";
import { schemasByName } from "../models/schema-patterns.js";
import type { RunInterrupt } from "../records/events.js";
import { excerpt } from "../spec/issue.js";
import { toJsonSchema } from "../spec/schema.js";
import type { DagSpec, JsonSchema } from "../spec/shape.js";
import { parseTraceContext } from "../telemetry/trace-context.js";
import { problemOf } from "./problem.js";
import type { RunService } from "./run-service.js";
import type { ServedRun } from "./served-run.js";

type Sdk = typeof import("@modelcontextprotocol/sdk/server/index.js") &
  typeof import("@modelcontextprotocol/sdk/types.js");
/** A server of the Model Context Protocol, as its SDK has it. */
export type McpServer = InstanceType<Sdk["Server"]>;

/** A server, and the calls that it has not answered yet. */
export interface McpService {
  readonly server: McpServer;
  /** Resolves once every call that has come is answered. */
  answered(): Promise<void>;
  /** Whether there are such calls. */
  isBusy(): boolean;
}

/** What a tool gives. */
interface ToolResult {
  readonly [key: string]: unknown;
  readonly content: { type: "text"; text: string }[];
  readonly structuredContent?: Record<string, unknown>;
  readonly isError?: boolean;
  readonly _meta?: Record<string, unknown>;
}

/** A spec as a tool. */
interface SpecTool {
  readonly name: string;
  readonly spec: DagSpec;
  readonly inputSchema: JsonSchema;
  /** Whether the input stands in a field of its own: tools take objects only. */
  readonly isWrapped: boolean;
}

/** Longest that a person is waited for, in milliseconds: a day. */
const longestAnswerMs = 86_400_000;
/** Most characters of what is shown with a question. */
const mostShown = 4000;

/** Loads a part of the SDK. @throws DagError `MCP_PACKAGE_MISSING`. */
export async function loadMcp<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new DagError("MCP_PACKAGE_MISSING", "MCP needs the package @modelcontextprotocol/sdk.", {
      cause: error,
      hint: "Run: npm install @modelcontextprotocol/sdk",
    });
  }
}

/**
 * A server of the Model Context Protocol with one tool a spec: a call is a run. It tells the nodes that settle as progress,
 * ends the run when the call is cancelled, and asks the person at the client what the run waits for, where the client can.
 */
export async function createMcpServer(runs: RunService): Promise<McpService> {
  const { Server } = await loadMcp(() => import("@modelcontextprotocol/sdk/server/index.js"));
  const { CallToolRequestSchema, ListToolsRequestSchema, McpError, ErrorCode } = await loadMcp(
    () => import("@modelcontextprotocol/sdk/types.js"),
  );
  const { version } = createRequire(import.meta.url)("agent-dag/package.json") as { version: string };
  const server = new Server({ name: "agent-dag", version }, { capabilities: { tools: {} } });
  const tools = toolsOf([...runs.specs.values()]);
  const open = new Set<Promise<ToolResult>>();

  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(({ name, spec, inputSchema }) => ({
      name,
      title: spec.name,
      description: descriptionOf(spec),
      inputSchema: inputSchema as { type: "object" },
    })),
  }));

  type Call = Parameters<Parameters<typeof server.setRequestHandler<typeof CallToolRequestSchema>>[1]>;
  const call = async ({ params }: Call[0], extra: Call[1]): Promise<ToolResult> => {
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined) {
      const names = tools.map(({ name }) => name).join(", ");
      throw new McpError(ErrorCode.InvalidParams, `There is no tool "${params.name}". There are: ${names}.`);
    }
    const { signal } = extra;
    const request = (extra.authInfo?.extra?.request ?? null) as Request | null;
    const told = params._meta ?? {};
    const caller = parseTraceContext(textOf(told.traceparent), textOf(told.tracestate)) ?? undefined;
    const token = told.progressToken;
    const tell = async (progress: number, message: string) => {
      if (token === undefined) return;
      const total = Object.keys(tool.spec.nodes).length;
      await extra
        .sendNotification({
          method: "notifications/progress",
          params: { progressToken: token, progress, total, message },
        })
        .catch(() => {});
    };
    const askUntil =
      (stop: AbortSignal): Ask =>
      (question) =>
        server.elicitInput(
          { message: questionText(question), requestedSchema: answerForm(question) },
          { relatedRequestId: extra.requestId, signal: stop, timeout: longestAnswerMs },
        );
    const given = params.arguments ?? {};
    let it: ServedRun;
    try {
      const input = tool.isWrapped ? given.input : given;
      it = await runs.start({
        dag: tool.spec.name,
        input,
        thread: undefined,
        request,
        ...(caller && { caller }),
      });
    } catch (error) {
      return failure(`${problemOf(error).code}: ${problemOf(error).detail}`);
    }
    const leave = () => void runs.cancel(it.id).catch(() => {});
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    let isPutOff = false;
    try {
      for (let after = 0, done = 0; ; ) {
        for await (const event of runs.lookup.read(it, after, signal)) {
          after = event.seq ?? after;
          if (event.type !== "node-settled" || event.node.includes("/") || event.item !== null) continue;
          if (event.invocation === null && event.outcome.state !== "interrupted") {
            await tell(++done, `${event.node}: ${event.outcome.state}`);
          }
        }
        await it.settled();
        if (!it.waits || signal.aborted || runs.stopping || !canAsk(server)) break;
        const stop = new AbortController();
        const asked = answersBy(askUntil(AbortSignal.any([signal, stop.signal])), it.interrupts);
        const answers = await Promise.race([asked, goesOn(runs, it, stop.signal)]);
        // A question that was answered elsewhere, over HTTP perhaps, is asked no longer.
        stop.abort();
        if (answers === "elsewhere") continue;
        isPutOff = answers === null;
        if (answers === null) break;
        await runs.answer(it.id, answers, request, it.caller).catch(unlessAnswered);
      }
    } catch (error) {
      return failure(`${problemOf(error).code}: ${problemOf(error).detail}`);
    } finally {
      signal.removeEventListener("abort", leave);
    }
    return resultOf(it, isPutOff);
  };
  server.setRequestHandler(CallToolRequestSchema, (...given) => {
    const result = call(...given);
    open.add(result);
    const done = () => void open.delete(result);
    result.then(done, done);
    return result;
  });
  return {
    server,
    isBusy: () => open.size > 0,
    async answered() {
      while (open.size > 0) await Promise.allSettled(open);
      // Once more around, so that the answers are written.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function toolsOf(specs: readonly DagSpec[]): SpecTool[] {
  const taken = new Set<string>();
  return specs.map((spec) => {
    const plain = spec.name.replace(/[^\w-]/g, "_").slice(0, 60) || "graph";
    let name = plain;
    for (let at = 2; taken.has(name); at++) name = `${plain}_${at}`;
    taken.add(name);
    const schema = spec.input === undefined ? { type: "string" } : toJsonSchema(spec.input);
    const isWrapped = schema.type !== "object";
    const inputSchema = isWrapped
      ? {
          type: "object",
          properties: { input: standingAt("#/properties/input", schema) },
          required: ["input"],
        }
      : schema;
    return { name, spec, inputSchema, isWrapped };
  });
}

/** A schema as it reads from within another one: what it says of its own root is said of where it stands. */
function standingAt(place: string, { $schema: _, ...schema }: JsonSchema): JsonSchema {
  // What a property is called says nothing of what stands there: one may be called `default`, or `properties`.
  const moved = (value: unknown, keyword = ""): unknown => {
    if (keyword === "$ref" && typeof value === "string" && /^#(\/|$)/.test(value))
      return place + value.slice(1);
    if (["const", "enum", "default", "examples"].includes(keyword)) return value;
    if (Array.isArray(value)) return value.map((one) => moved(one));
    if (typeof value !== "object" || value === null) return value;
    const areNames = keyword === "patternProperties" || schemasByName.includes(keyword);
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, moved(one, areNames ? "" : name)]),
    );
  };
  return moved(schema) as JsonSchema;
}

function descriptionOf({ name, description, nodes }: DagSpec): string {
  return description ?? `Runs the graph "${name}": ${Object.keys(nodes).join(", ")}.`;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function canAsk(server: McpServer): boolean {
  const elicitation = server.getClientCapabilities()?.elicitation;
  if (elicitation === undefined) return false;
  return "form" in elicitation || Object.keys(elicitation).length === 0;
}

interface Answer {
  readonly action: string;
  readonly content?: Readonly<Record<string, unknown>> | undefined;
}

type Ask = (question: RunInterrupt) => Promise<Answer>;

/** Resolves once more is told of a run that waits; never where nothing is before the signal. */
async function goesOn(runs: RunService, it: ServedRun, signal: AbortSignal): Promise<"elsewhere"> {
  for await (const _ of runs.lookup.read(it, it.feed.last, signal)) return "elsewhere";
  return it.isOpen && !runs.stopping ? new Promise<never>(() => {}) : "elsewhere";
}

/** Another answer was faster: the run goes on all the same. */
function unlessAnswered(error: unknown): void {
  if (problemOf(error).status !== 409) throw error;
}

/** The person's answers by node, asked one after another; `null` as soon as one is put off. */
async function answersBy(
  ask: Ask,
  questions: readonly RunInterrupt[],
): Promise<Record<string, unknown> | null> {
  const answers: Record<string, unknown> = {};
  for (const question of questions) {
    const { action, content = {} }: Answer = await ask(question).catch(() => ({ action: "cancel" }));
    if (action === "cancel") return null;
    if (question.kind === "interrupt") {
      if (action !== "accept") return null;
      answers[question.node] = content.answer ?? null;
    } else {
      const comment = typeof content.comment === "string" ? { comment: content.comment } : {};
      answers[question.node] = { approve: action === "accept" && content.approve === true, ...comment };
    }
  }
  return answers;
}

function questionText({ message, show, value, kind }: RunInterrupt): string {
  const shown = show ?? (kind === "approval" ? undefined : value);
  if (shown === undefined || shown === null) return message;
  const text = typeof shown === "string" ? shown : JSON.stringify(shown, null, 2);
  return `${message}\n\n${excerpt(text, mostShown)}`;
}

function answerForm({ kind, message }: RunInterrupt) {
  const comment = { type: "string" as const, title: "Comment" };
  return kind === "interrupt"
    ? {
        type: "object" as const,
        properties: { answer: { type: "string" as const, title: "Answer", description: message } },
        required: ["answer"],
      }
    : {
        type: "object" as const,
        properties: {
          approve: { type: "boolean" as const, title: "Approve", description: message },
          comment,
        },
        required: ["approve"],
      };
}

function failure(text: string): ToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

/** @param isPutOff Whether a person was asked, and put the answer off. */
function resultOf(it: ServedRun, isPutOff: boolean): ToolResult {
  const { id, thread, state, output, error, interrupts, durationMs, usage } = it.told();
  const _meta = { "agent-dag/run": { id, thread, state, durationMs, usage } };
  if (state === "completed" || state === "partial") {
    const text = typeof output === "string" ? output : JSON.stringify(output);
    const isObject = typeof output === "object" && output !== null && !Array.isArray(output);
    const structured = isObject ? { structuredContent: output as Record<string, unknown> } : {};
    return { content: [{ type: "text", text }], ...structured, _meta };
  }
  if (state === "interrupted") {
    const asked = interrupts.map(({ node, message }) => `${node}: ${message}`).join("\n");
    const why = isPutOff ? "which was put off" : "and this client cannot ask for it";
    const text = `The run ${id} waits for a person's answer, ${why}.\n${asked}`;
    return { content: [{ type: "text", text }], structuredContent: { id, thread, state, interrupts }, _meta };
  }
  if (state === "rejected") {
    return { content: [{ type: "text", text: "A person said no; there is no output." }], _meta };
  }
  const why = error === null ? "" : ` ${error.code}: ${errorMessage(error.message)}`;
  return { ...failure(`The run is ${state}.${why}`), _meta };
}
