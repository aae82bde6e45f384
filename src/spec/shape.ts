import type { z } from "zod";
import type { Policy } from "./policy.js";
import type { Reference } from "./reference.js";

/** Any zod schema (zod 4). */
export type Schema = z.core.$ZodType;

/** A JSON Schema, as `input` and `output` hold it in the file form. */
export type JsonSchema = { readonly [key: string]: unknown };

/** Phantom key that carries a node's value type. A type only: import it with `import type`, nothing is there at run time. */
export declare const TYPE: unique symbol;

/** Any value, carried as a type under {@link TYPE}. */
export interface Typed<Value> {
  readonly [TYPE]: Value;
}

/** What a function node, a function form of `when`, `args`, `input` or `instructions` is given. */
export interface Ctx<Needs = any, Input = any, Item = any, Context = any> {
  /** The run's input, parsed by the spec's `input` schema. */
  readonly input: Input;
  /** Upstream values by node name; `undefined` where a need did not complete. */
  readonly needs: Needs;
  /** The item, under `forEach`; else `undefined`. */
  readonly item: Item;
  /** How the needs settled, by node name: why something is missing, and which items of a map failed. */
  readonly outcomes: Readonly<Record<string, any>>;
  /** Index of the item, under `forEach`; else `undefined`. */
  readonly index?: number | undefined;
  /** What `run` was given as `context`, parsed by the spec's `context` schema; never recorded, never persisted. */
  readonly context: Context;
  /** Identifier of the run. */
  readonly runId: string;
  /** Path of the node, `outer/inner` within a graph node. */
  readonly node: string;
  /** Which attempt of the work this is, from 1. */
  readonly attempt: number;
  /** The same for every attempt and every resume of this piece of work, and of no other. */
  readonly idempotencyKey: string;
  /** Aborted when the node's work is no longer wanted: cancellation, deadline, timeout. */
  readonly signal: AbortSignal;
  /** Emits `node-progress` with a JSON value. */
  readonly progress: (value: unknown) => void;
  /** Asks a model; in functions only. */
  readonly ask: Ask;
}

/**
 * Makes a model request of a function: counted, limited, recorded, persisted and replayed like an agent's. Gives the answer's
 * text or, with a `schema`, the value that fits it. It is sent again as the node's policy says.
 * @throws DagError `ASK_TOO_LATE` once the function has ended, and what an agent's request fails with.
 */
export interface Ask {
  <S extends Schema>(prompt: string, options: AskOptions & { readonly schema: S }): Promise<z.output<S>>;
  (prompt: string, options: AskOptions & { readonly schema: JsonSchema }): Promise<any>;
  (prompt: string, options?: AskOptions & { readonly schema?: undefined }): Promise<string>;
}

/** How a model is asked; see {@link Ask}. */
export interface AskOptions {
  /** What the answer has to fit. @default free text */
  readonly schema?: Schema | JsonSchema | undefined;
  /** The model, unless the run's own options replace it. @default the spec's */
  readonly model?: ModelLike;
  /** LangChain tools that the model may call, in a loop bounded by the node's `policy.maxToolRounds`. @default none */
  readonly tools?: readonly AgentTool[];
}

/**
 * When a node runs, told from the outcomes of its needs. `atLeast` is an integer from 1 to the number of needs;
 * `deadlineMs` is above 0 and its clock starts when the first need settles. @default "all"
 */
export type Join =
  | "all"
  | "settled"
  | "any"
  | { readonly atLeast: number; readonly deadlineMs?: number }
  | { readonly mode: "settled" | "any"; readonly deadlineMs?: number };

/** State of a settled node, as conditions and records name it. */
export type SettledState = "completed" | "failed" | "timed-out" | "skipped" | "cancelled";

/**
 * A condition as data: a reference to a need, to the input or to the item with exactly one test of what it points at; the
 * state of a need's outcome; or other conditions combined.
 */
export type When<Name extends string = string> =
  | (Reference<Name> & {
      readonly equals?: unknown;
      readonly in?: readonly unknown[];
      readonly gt?: number;
      readonly lt?: number;
      readonly exists?: boolean;
      readonly state?: never;
      readonly all?: never;
      readonly any?: never;
      readonly not?: never;
    })
  | (NoCombination & { readonly node: Name; readonly state: SettledState | readonly SettledState[] })
  | (NoTest & { readonly all: readonly When<Name>[]; readonly any?: never; readonly not?: never })
  | (NoTest & { readonly any: readonly When<Name>[]; readonly all?: never; readonly not?: never })
  | (NoTest & { readonly not: When<Name>; readonly all?: never; readonly any?: never });

interface NoTest {
  readonly node?: never;
  readonly input?: never;
  readonly item?: never;
  readonly path?: never;
  readonly equals?: never;
  readonly in?: never;
  readonly gt?: never;
  readonly lt?: never;
  readonly exists?: never;
  readonly state?: never;
}

interface NoCombination {
  readonly input?: never;
  readonly item?: never;
  readonly path?: never;
  readonly equals?: never;
  readonly in?: never;
  readonly gt?: never;
  readonly lt?: never;
  readonly exists?: never;
  readonly all?: never;
  readonly any?: never;
  readonly not?: never;
}

/**
 * What a node maps over: the name of an array field of the input, a reference to an array, or either with options.
 * `maxConcurrency` is an integer of at least 1, all items at once when it is left out (one at a time in topology `sequential`).
 * `key` is the dotted path, within an item, of a text or number that no other item has: what the item is known by when a
 * resumed or reusing run finds the list changed. `onItemError` says what stands in the value where an item did not complete:
 * `null` (default), nothing (`"omit"`), or that the node fails if any item did.
 */
export type ForEach<Name extends string = string> =
  | string
  | Reference<Name>
  | ({ readonly items: string | Reference<Name> } & MapOptions);

/** How a map is done; see {@link ForEach}. */
export interface MapOptions {
  /** Most items at a time; an integer of at least 1. @default all, one in topology `sequential` */
  readonly maxConcurrency?: number;
  /** Dotted path, within an item, of a text or number that no other item has. @default the item's place */
  readonly key?: string;
  /** What stands in the value where an item did not complete; `fail` fails the node. @default "null" */
  readonly onItemError?: "null" | "omit" | "fail";
}

/**
 * A graph node that is run round by round. `until` is a condition over the inner DAG's nodes, or a function of the round's
 * outcome; `maxRounds` is an integer from 1 to 100. `onExhausted` says what becomes of the node when `maxRounds` ends it:
 * the last round's output counts (`"accept"`, default), or the node fails.
 */
export interface Repeat<Name extends string = string> {
  /** Ends the loop when it holds after a round. */
  readonly until: When<Name> | ((round: RoundResult) => boolean);
  /** Most rounds; an integer from 1 to 100. */
  readonly maxRounds: number;
  /** What becomes of the node when `maxRounds` ends it. @default "accept" */
  readonly onExhausted?: "accept" | "fail";
}

/** What a function form of `repeat.until` is given. */
export interface RoundResult<Output = any> {
  /** The round's output. */
  readonly output: Output;
  /** The inner nodes' outcomes by name. */
  readonly outcomes: Readonly<Record<string, any>>;
  /** From 1. */
  readonly round: number;
}

/** The part of a LangChain tool that is used: any `StructuredTool` (and so any MCP tool through its adapter) fits. */
export interface ToolLike {
  /** Name by which a model calls it. */
  readonly name: string;
  /** What it does, for a model. */
  readonly description?: string;
  /** Schema of its arguments: zod or JSON Schema. */
  readonly schema?: unknown;
  /** Runs it. */
  invoke(input: any, ...rest: any[]): Promise<any>;
}

/**
 * A tool that an agent may call. With `approve`, a person is asked before it is called: always, or where the function says so
 * of the arguments.
 */
export type AgentTool =
  | ToolLike
  | { readonly tool: ToolLike; readonly approve?: boolean | ((args: any) => boolean) };

/** The part of a LangChain runnable that is used: chains, agents of `createAgent` and compiled LangGraphs fit. */
export interface RunnableLike {
  /** Runs it. */
  invoke(input: any, config?: any): Promise<any>;
  /** Its name. */
  readonly name?: string | undefined;
  /** Where its class stands in LangChain. */
  readonly lc_namespace?: any;
}

/** The part of a LangChain chat model that is used to recognise one. */
export interface ChatModelLike {
  /** Sends messages and gives the whole reply. */
  invoke(input: any, ...rest: any[]): Promise<any>;
  /** Sends messages and streams the reply. */
  stream(input: any, ...rest: any[]): Promise<AsyncIterable<any>>;
  /** What kind of chat model it is, in LangChain's word. */
  _llmType(): string;
}

/** A model: `"provider:name"`, `"offline"`, or an instance of a LangChain chat model. */
export type ModelLike = string | ChatModelLike;

/** Parameters passed on to the model. */
export interface ModelOptions {
  /** Sampling temperature, at least 0. Left to the provider when not set. */
  readonly temperature?: number;
  /** Most tokens that one answer may have, at least 1. Left to the provider when not set. */
  readonly maxTokens?: number;
  /**
   * How the model is held to an output schema, strongest first: `"strict"` (a format that the server enforces),
   * `"schema"` (a format that it is told), `"tool"` (a forced tool call), `"json"` (JSON of any shape), `"instructions"`
   * (words). Where a server refuses it, the next one is taken. @default the strongest that the model has
   */
  readonly structured?: "strict" | "schema" | "tool" | "json" | "instructions";
  /** Lets a text that was cut at the token limit pass as the agent's value. @default false */
  readonly acceptTruncated?: boolean;
  /**
   * Reads calls that a message holds as text (`<tool_call>{…}</tool_call>`, alone or at its end) as those calls, as some open
   * models write them; `false` lets a call without a mark of its own (`{ "name": …, "arguments": … }`) pass as the answer.
   * @default only for models whose name tells that they do
   */
  readonly toolCallsInText?: boolean;
}

/** What every kind of node can state. */
export interface NodeCommon {
  /** What the node does, for the diagram and for a planner that chooses nodes. */
  readonly description?: string;
  /** Own model; see the order of choice in the README. Agents only. */
  readonly model?: ModelLike;
  /** Agents only. */
  readonly modelOptions?: ModelOptions;
  /** LangChain tools that the agent may call, in a loop bounded by `policy.maxToolRounds`. Agents only. */
  readonly tools?: readonly AgentTool[];
  /** What an agent's prompt carries besides its instructions; under `forEach` the item is the input. @default "both" */
  readonly include?: "input" | "needs" | "both";
  /** A tool node's arguments: JSON with `{ $ref: <reference> }` inside, or a function. */
  readonly args?: any;
  /** A graph or runnable node's input: JSON with `{ $ref: <reference> }` inside, or a function. @default the run's input */
  readonly input?: any;
  /** What happens when things go wrong here. @default the run's, then the spec's */
  readonly policy?: Policy;
}

/**
 * A node. Without type arguments, as a parsed file holds it; with them, as a finished spec holds it. The kind is
 * told by the one field among `instructions`, `run`, `tool`, `dag`, `approve` and `runnable` that is present.
 */
export interface Node<Value = unknown, Need extends string = string> extends NodeCommon {
  /** Carries the type of the value; nothing is there at run time. */
  readonly [TYPE]?: Typed<Value>;
  /** Of an agent: what it is to do, its system message. */
  readonly instructions?: string | ((ctx: any) => string);
  /** Schema of the value: an agent's answer is parsed by it, a function's result is checked. */
  readonly output?: Schema | JsonSchema;
  /** Of a function: what it does with a {@link Ctx}. Its value is JSON. */
  readonly run?: (ctx: any) => unknown;
  /** Of a tool node: any LangChain tool. */
  readonly tool?: ToolLike;
  /** Of a graph node: the DAG that runs as one node. */
  readonly dag?: DagSpec;
  /** Of a graph node: runs it round after round. */
  readonly repeat?: Repeat<any>;
  /** Of a runnable node: any LangChain `Runnable`, an agent or a compiled LangGraph. */
  readonly runnable?: RunnableLike;
  /** Of an approval: what a person is asked, and what is shown beside it. */
  readonly approve?: { readonly message: string; readonly show?: readonly Reference<any>[] };
  /** Names of the nodes whose outcomes this one is given. @default [] */
  readonly needs?: readonly Need[];
  /** When it runs, told from the outcomes of its needs. @default "all" */
  readonly join?: Join;
  /** It runs only when this holds, else it is `skipped` with reason `condition`. */
  readonly when?: When<any> | ((ctx: any) => boolean);
  /** What it maps over: one run of the node for each item. */
  readonly forEach?: ForEach<any>;
}

/** The kinds of node. */
export type NodeKind = "agent" | "function" | "tool" | "graph" | "approval" | "runnable";

/**
 * A declared DAG: frozen data. `Input` is what `run` takes, `Parsed` what the nodes see (they differ where the schema
 * transforms or has defaults), `Chosen` the node that `output` names, `never` when it names none. `Context` is what `run`
 * takes as `context`, `SeenContext` what the nodes see of it.
 */
export interface Dag<
  Input = any,
  Nodes = Record<string, Node>,
  Parsed = Input,
  Chosen extends string = string,
  Context = any,
  SeenContext = Context,
> {
  /** Name of the DAG, in diagrams, records and messages. */
  readonly name: string;
  /** Version of the form of the spec. @default 1 */
  readonly version?: number;
  /** What it is for. */
  readonly description?: string;
  /** Model for every agent that has none of its own. */
  readonly model?: ModelLike;
  /** Policy for every node that states none of its own. */
  readonly policy?: Policy;
  /** What a run has to be given. @default a string */
  readonly input?: z.core.$ZodType<Parsed, Input> | JsonSchema;
  /** What a run has to be given as `context`. @default whatever it is given */
  readonly context?: z.core.$ZodType<SeenContext, Context> | JsonSchema;
  /** The node whose value is the run's output. @default the node (or nodes) that nothing needs */
  readonly output?: Chosen;
  /** The nodes, by name. */
  readonly nodes: Nodes;
}

/** The loose form: parsed files and every `Dag<…>` are assignable to it. */
export type DagSpec = Dag;

const kindFields = [
  ["instructions", "agent"],
  ["run", "function"],
  ["tool", "tool"],
  ["dag", "graph"],
  ["approve", "approval"],
  ["runnable", "runnable"],
] as const;

/** The kinds that a node states; a valid node states exactly one. */
export function kindsStated(node: Node): NodeKind[] {
  return kindFields.filter(([field]) => node[field] !== undefined).map(([, kind]) => kind);
}

/** The kind of a node of a validated spec. */
export function kindOf(node: Node): NodeKind {
  return kindFields.find(([field]) => node[field] !== undefined)?.[1] ?? "agent";
}
