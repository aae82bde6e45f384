/**
 * Types one plain object literal. Each thing that is inferred from the literal has a type parameter of its own, a record
 * keyed by node name, and each such record is inferred through a mapped type of its own:
 *
 * - `Says`: what a node states about its value: a schema, a tool, a DAG;
 * - `Needs`: the names in its `needs`; `Maps`: its `forEach`; `Joins`: its `join`;
 * - `Writes`: what its `instructions` return, where they are a function;
 * - `Returns`: what its function returns. `Early` is the same, read off the functions that take no argument or annotate
 *   it: TypeScript fixes it when it types the first function that does not, and it is what siblings see of each other.
 *
 * Two rules keep inference alive. No parameter may be keyed by two mapped types: it would silently become `unknown`. And
 * no single parameter may hold the whole literal: a check on siblings collapses once one function has an unannotated
 * parameter. So inside one literal a function sees another function's value as `unknown`, unless that one has an `output`
 * schema, annotates its argument, takes none, or was declared in an earlier `extendDag`; records are typed in every case.
 */
import type { z } from "zod";
import type { LoopReference, Reference } from "./reference.js";
import type {
  Ctx,
  Dag,
  DagSpec,
  Join,
  JsonSchema,
  MapOptions,
  Node,
  NodeCommon,
  Repeat,
  RunnableLike,
  Schema,
  ToolLike,
  TYPE,
  Typed,
  When,
} from "./shape.js";
import type { OutputOf, ValueIn } from "./values.js";

/** Anything keyed by node name. */
export type Keyed = Record<string, unknown>;

/** The `nodes` of a literal. `Base` holds the nodes that were declared before, `Input` is the parsed input. */
export type NodesIn<Base, Says, Needs, Maps, Joins, Early, Returns, Writes, Input, Context> = {
  [K in keyof Says]: Common & {
    readonly [TYPE]?: Says[K];
    readonly instructions?: Seen<Says[K]>;
    /** JSON Schema or zod schema of the value: an agent's answer is parsed by it, a function's result is checked. */
    readonly output?: Inferred<Says[K], Schema | JsonSchema>;
    /** A DAG that runs as one node. */
    readonly dag?: Inferred<Says[K], DagSpec>;
    /** Any LangChain tool. */
    readonly tool?: Inferred<Says[K], ToolLike>;
    /** Suspends the run until a person answers. */
    readonly approve?: Inferred<
      Says[K],
      { readonly message: string; readonly show?: readonly Reference<NeedsAmong<Says, Needs, K>>[] }
    >;
    /** Any LangChain `Runnable`: a chain, an agent of `createAgent`, a compiled LangGraph. */
    readonly runnable?: Inferred<Says[K], RunnableLike>;
    /** Runs a graph node round after round. */
    readonly repeat?: RepeatOf<Says[K]>;
    /** The node runs only when this holds, else it is `skipped`. */
    readonly when?:
      | When<NeedsAmong<Says, Needs, K>>
      | ((ctx: CtxOf<Base, Says, Needs, Maps, Joins, Early, Input, Context, K>) => boolean);
    /** A tool's arguments: JSON with `{ $ref: <reference> }` inside, or a function. @default {} */
    readonly args?:
      | Template
      | ((ctx: CtxOf<Base, Says, Needs, Maps, Joins, Early, Input, Context, K>) => unknown);
    /** The input of a graph node's DAG: as `args`. @default the run's input */
    readonly input?:
      | GraphInput<Says[K], NeedsAmong<Says, Needs, K>>
      | ((
          ctx: CtxOf<Base, Says, Needs, Maps, Joins, Early, Input, Context, K> & Round<Says[K]>,
        ) => GraphGiven<Says[K]>);
  };
} & {
  [K in keyof Needs]: {
    /** Names of the nodes whose outcomes this one is given. @default [] */
    readonly needs?: readonly Inferred<Needs[K], Others<Base, Says, K>>[];
  };
} & {
  [K in keyof Maps]: {
    /** The array that the node maps over: a field of the input, a reference, or `{ items, maxConcurrency }`. */
    readonly forEach?: Inferred<Maps[K], Over<NeedsAmong<Says, Needs, K>, ArrayField<Input>>>;
  };
} & {
  [K in keyof Joins]: {
    /** When the node runs, told from the outcomes of its needs. @default "all" */
    readonly join?: Inferred<Joins[K], Join>;
  };
} & {
  [K in keyof Early]: { readonly run?: (...ctx: never) => Early[K] };
} & {
  [K in keyof Returns]: {
    /** The function of a function node. */
    readonly run?: (ctx: CtxOf<Base, Says, Needs, Maps, Joins, Early, Input, Context, K>) => Returns[K];
  };
} & {
  [K in keyof Writes]: {
    /** The system message of an agent. */
    readonly instructions?:
      | string
      | ((
          ctx: CtxOf<Base, Says, Needs, Maps, Joins, Early, Input, Context, K>,
        ) => Inferred<Writes[K], string>);
  };
};

/** The finished nodes of a literal: each with its value type and the names that it needs. */
export type Built<Says, Needs, Maps, Returns, Writes> = {
  readonly [K in keyof Returns]: Node<
    ValueOf<At<Says, K>, unknown extends At<Writes, K> ? Returns[K] : string, At<Maps, K>>,
    NameIn<At<Needs, K>>
  >;
} extends infer Nodes // shortens hovers and emitted declarations: prompts stay out of them
  ? Nodes
  : never;

/** `Base` with the nodes of `More` added or replaced. */
export type Merged<Base, More> = {
  readonly [K in keyof Base | keyof More]: K extends keyof More ? More[K] : At<Base, K>;
} extends infer Nodes
  ? Nodes
  : never;

/** What `run` takes, told from the spec's `input`. */
export type RunInput<Input> = Input extends Schema
  ? z.input<Input>
  : [Input] extends [undefined]
    ? string
    : any;

/** What nodes see of the input. */
export type ParsedInput<Input> = Input extends Schema
  ? z.output<Input>
  : [Input] extends [undefined]
    ? string
    : any;

/** What `run` takes as `context`, told from the spec's `context`. */
export type GivenContext<Stated> = Stated extends Schema ? z.input<Stated> : any;

/** What nodes see of the context. */
export type SeenContext<Stated> = Stated extends Schema ? z.output<Stated> : any;

/** Infers `T`, and reports what does not fit against `Bound`. */
type Inferred<T, Bound> = [T] extends [Bound] ? T | Bound : Bound;

/** Infers `T`, and leaves the check to another mapped type: two unions with functions would hide what the functions take. */
type Seen<T> = [T] extends [never] ? T : unknown;

/** Stops inference; unlike `NoInfer` it is not seen in hovers. */
type Fixed<T> = [T] extends [infer U] ? U : never;

type Common = Omit<NodeCommon, "args" | "input">;
type Template = string | number | boolean | null | readonly unknown[] | { readonly [key: string]: unknown };
/** What a graph node can state as the input of its DAG. */
type GraphInput<Said, Name extends string> =
  Said extends Dag<infer In, any, any, any> ? Filled<In, Name> : Template;
/** What its function form gives. */
type GraphGiven<Said> = Said extends Dag<infer In, any, any, any> ? In : unknown;
/** What the function form of a graph node's `input` is given besides, under `repeat`. */
interface Round<Said> {
  /** The last round's output; `null` in the first. */
  readonly previous: RoundOutput<Said> | null;
  /** From 1. */
  readonly round: number;
}
type RoundOutput<Said> = Said extends Dag<any, any, any, any> ? OutputOf<Said> : any;
/** The loop of a graph node, its condition over the nodes of its DAG. */
type RepeatOf<Said> = Omit<Repeat, "until"> & {
  readonly until:
    | When<Said extends Dag<any, infer Nodes, any, any> ? keyof Nodes & string : string>
    | ((round: {
        readonly output: RoundOutput<Said>;
        readonly outcomes: Readonly<
          Record<Said extends Dag<any, infer Nodes, any, any> ? keyof Nodes & string : string, any>
        >;
        readonly round: number;
      }) => boolean);
};
/** A value, or JSON with references in its place. */
type Filled<T, Name extends string> =
  | { readonly $ref: Reference<Name> | LoopReference }
  | (unknown extends T
      ? Template
      : T extends readonly (infer X)[]
        ? readonly Filled<X, Name>[]
        : T extends object
          ? { readonly [P in keyof T]: Filled<T[P], Name> }
          : T);
type Over<Name extends string, Field extends string> =
  | Field
  | Reference<Name>
  | ({ readonly items: Field | Reference<Name> } & MapOptions);

/** Names that a node may refer to: its siblings and earlier nodes, not itself. */
type Others<Base, Says, K> = string extends keyof Says
  ? string
  : NoInfer<Exclude<(keyof Says | keyof Base) & string, K>>;

/** Names that a reference or a condition may be about: the node's needs. While an editor completes a string any name is one. */
type NeedsAmong<Says, Needs, K> = string extends keyof Says
  ? string
  : [NameIn<At<Needs, K>>] extends [never]
    ? "(the node has no needs)"
    : NoInfer<NameIn<At<Needs, K>>>;

/** Fields of the input that hold arrays. */
type ArrayField<Input> = {
  [K in keyof Input]-?: Input[K] extends readonly unknown[] | undefined ? K : never;
}[keyof Input] &
  string;

/** What the functions of node `K` are given. While an editor completes a string `Says` is not inferred; `any` then. */
type CtxOf<Base, Says, Needs, Maps, Joins, Early, Input, Context, K> = string extends keyof Says
  ? Ctx<any, Fixed<Input>, any, Fixed<Context>>
  : Ctx<
      NeedsOf<Base, Says, Maps, Early, At<Needs, K>, At<Joins, K>>,
      Fixed<Input>,
      ItemOf<Base, Says, Maps, Early, Input, At<Maps, K>>,
      Fixed<Context>
    >;

/** Upstream values by name; `undefined` too where the join lets the node run without them. */
type NeedsOf<Base, Says, Maps, Early, Needed, JoinStated> = {
  readonly [P in NameIn<Needed>]:
    | ValueAt<Base, Says, Maps, Early, P>
    | (AlwaysThere<JoinStated> extends true ? never : undefined);
} extends infer Values
  ? Values
  : never;
type AlwaysThere<JoinStated> = unknown extends JoinStated ? true : JoinStated extends "all" ? true : false;

/** The item of a node that maps over `Stated`. */
type ItemOf<Base, Says, Maps, Early, Input, Stated> = unknown extends Stated
  ? undefined
  : Stated extends { readonly items: infer Items }
    ? ItemOf<Base, Says, Maps, Early, Input, Items>
    : Stated extends { readonly node: infer Name; readonly path: infer Path }
      ? Element<Get<ValueAt<Base, Says, Maps, Early, Name>, Path>>
      : Stated extends { readonly node: infer Name }
        ? Element<ValueAt<Base, Says, Maps, Early, Name>>
        : Stated extends { readonly input: true; readonly path: infer Path }
          ? Element<Get<Input, Path>>
          : Stated extends { readonly input: true }
            ? Element<Input>
            : Element<At<Input, Stated>>;
type Get<T, Path> = Path extends `${infer Head}.${infer Rest}` ? Get<At<T, Head>, Rest> : At<T, Path>;
type Element<T> = NonNullable<T> extends readonly (infer X)[] ? X : unknown;

/** The value of node `K`, as a sibling or a later node sees it. */
type ValueAt<Base, Says, Maps, Early, K> = K extends keyof Says
  ? ValueOf<Says[K], At<Early, K>, At<Maps, K>>
  : ValueIn<At<Base, K>>;

/** The value of a node, told from what it states, what its function returns and what it maps over. */
type ValueOf<Said, Returned, Mapped> = [Extract<Said, Typed<any>>] extends [never]
  ? unknown extends Mapped
    ? Single<Said, Returned>
    : (Single<Said, Returned> | null)[]
  : Extract<Said, Typed<any>>[typeof TYPE]; // a finished node, spread in: its type is complete
/** Without a schema, a tool or a DAG it is the function's result, or the agent's text. */
type Single<Said, Returned> = unknown extends Said
  ? Awaited<Returned>
  : [Exclude<Said, Instructions>] extends [never]
    ? string
    : Stated<Exclude<Said, Instructions>>;
type Instructions = string | ((...ctx: never) => string);
type Stated<Said> = [Extract<Said, Schema>] extends [never]
  ? StatedBy<Said>
  : z.output<Extract<Said, Schema>>;
type StatedBy<Said> = Said extends Schema
  ? z.output<Said>
  : Said extends Dag<any, any, any, any>
    ? OutputOf<Said>
    : Said extends { readonly func: (...args: any[]) => infer Result } // a LangChain tool made by `tool()`
      ? Exclude<Awaited<Result>, AsyncGenerator<any, any, any>>
      : Said extends RunnableLike // a tool has `invoke` too
        ? Awaited<ReturnType<Said["invoke"]>>
        : unknown;

type At<Keys, K> = K extends keyof Keys ? Keys[K] : unknown;
/** The names inferred for `needs`; none where none were. */
type NameIn<Needed> = unknown extends Needed ? never : Needed & string;
