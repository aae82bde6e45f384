import { DagValidationError } from "../errors.js";
import { calledDag } from "./assert-valid.js";
import { freezeData } from "./freeze.js";
import { assertArgument, isObject } from "./issue.js";
import { withComposedNames } from "./names.js";
import type { Policy } from "./policy.js";
import type { Ctx, Dag, JsonSchema, ModelLike, Node, Schema, When } from "./shape.js";
import type {
  Built,
  GivenContext,
  Keyed,
  Merged,
  NodesIn,
  ParsedInput,
  RunInput,
  SeenContext,
} from "./typing.js";
import { validate } from "./validate.js";

/**
 * Declares a DAG: validates it, freezes it (plain data only: schemas, tools and models stay as they are) and returns it, typed.
 * `defineDag<Context>()` gives the same function for DAGs whose runs have to be given a `context` of that type.
 * @throws DagValidationError carrying every issue.
 */
export function defineDag<
  Says extends Keyed,
  const Needs extends Keyed,
  const Maps extends Keyed,
  const Joins extends Keyed,
  Early extends Keyed,
  Returns extends Keyed,
  Writes extends Keyed,
  Input extends Schema | JsonSchema | undefined = undefined,
  Chosen extends keyof Returns & string = never,
  Context extends Schema | JsonSchema | undefined = undefined,
>(
  spec: SpecFields & {
    readonly name: string;
    /** Schema of the run's input. @default a plain string */
    readonly input?: Input;
    /** Schema of what a run has to be given as `context`. @default whatever it is given, or nothing */
    readonly context?: Context;
    /** The node whose value is the run's output. @default the node (or nodes) that nothing needs */
    readonly output?: Chosen;
    readonly nodes: NodesIn<
      Record<never, never>,
      Says,
      Needs,
      Maps,
      Joins,
      Early,
      Returns,
      Writes,
      ParsedInput<Input>,
      SeenContext<Context>
    >;
  },
): Dag<
  RunInput<Input>,
  Built<Says, Needs, Maps, Returns, Writes>,
  ParsedInput<Input>,
  Chosen,
  GivenContext<Context>,
  SeenContext<Context>
>;
export function defineDag<Context>(): DefineWithContext<Context>;
export function defineDag(...stated: readonly object[]): unknown {
  const [spec] = stated;
  // A type alone says nothing of what fits: anything does, but it has to be there.
  return spec === undefined && stated.length === 0
    ? (given: object) => declared({ context: {}, ...given })
    : declared(spec as object);
}

/** `defineDag` for DAGs whose runs have to be given a context of a type. */
export type DefineWithContext<Context> = <
  Says extends Keyed,
  const Needs extends Keyed,
  const Maps extends Keyed,
  const Joins extends Keyed,
  Early extends Keyed,
  Returns extends Keyed,
  Writes extends Keyed,
  Input extends Schema | JsonSchema | undefined = undefined,
  Chosen extends keyof Returns & string = never,
>(
  spec: SpecFields & {
    readonly name: string;
    readonly input?: Input;
    readonly output?: Chosen;
    readonly nodes: NodesIn<
      Record<never, never>,
      Says,
      Needs,
      Maps,
      Joins,
      Early,
      Returns,
      Writes,
      ParsedInput<Input>,
      Context
    >;
  },
) => Dag<
  RunInput<Input>,
  Built<Says, Needs, Maps, Returns, Writes>,
  ParsedInput<Input>,
  Chosen,
  Context,
  Context
>;

/**
 * A new DAG: `base` with nodes added or replaced and, where given, other settings.
 * @throws DagValidationError carrying every issue of the whole.
 */
export function extendDag<
  RunIn,
  Parsed,
  Base extends Keyed,
  Says extends Keyed,
  const Needs extends Keyed,
  const Maps extends Keyed,
  const Joins extends Keyed,
  Early extends Keyed,
  Returns extends Keyed,
  Writes extends Keyed,
  Before extends string,
  Context,
  Seen,
  Chosen extends (keyof Base | keyof Returns) & string = Before & keyof Base,
>(
  base: Dag<RunIn, Base, Parsed, Before, Context, Seen>,
  more: SpecFields & {
    readonly name?: string;
    readonly output?: Chosen;
    readonly nodes: NodesIn<Base, Says, Needs, Maps, Joins, Early, Returns, Writes, Parsed, Seen>;
  },
): Dag<RunIn, Merged<Base, Built<Says, Needs, Maps, Returns, Writes>>, Parsed, Chosen, Context, Seen> {
  assertArgument("extendDag", isObject(base), ["base", base, "a DAG"]);
  assertArgument("extendDag", isObject(more), ["more", more, "an object with the nodes to add"]);
  return declared({ ...base, ...more, nodes: { ...base.nodes, ...more.nodes } }) as never;
}

/**
 * A node in a file of its own: keeps the names in `needs` as they are written. Its functions have to annotate what they
 * take; `defineDag` checks that it fits.
 */
export function node<
  const N extends Omit<Node, "run" | "when" | "instructions"> & {
    readonly run?: (ctx: Ctx<never, never, never>) => unknown;
    readonly instructions?: string | ((ctx: Ctx<never, never, never>) => string);
    readonly when?: When | ((ctx: Ctx<never, never, never>) => boolean);
  },
>(node: N): N {
  return node;
}

interface SpecFields {
  readonly version?: number;
  readonly description?: string;
  /** Model for every agent that has none of its own. */
  readonly model?: ModelLike;
  /** Policy for every node that states none of its own. */
  readonly policy?: Policy;
}

function declared(given: object): unknown {
  const spec = composed(given) as object;
  const issues = validate(spec);
  if (issues.length > 0) throw new DagValidationError(calledDag(spec), issues);
  return freezeData(spec);
}

/** What cannot be read (a DAG within itself, a proxy that throws) is left as it is, for `validate` to say so. */
function composed(given: object): unknown {
  try {
    return withComposedNames(given);
  } catch (error) {
    if (validate(given).length === 0) throw error;
    return given;
  }
}
