import type { Dag, Node } from "./shape.js";

/** The value of a finished node, `unknown` where it is not known until the node has run. */
export type ValueIn<N> = N extends Node<infer V, any> ? V : unknown;

/** What `run` takes as the input of a DAG: what its schema accepts, a string without one, `any` for a loaded file. */
export type InputOf<D> = D extends Dag<infer Input, any, any, any> ? Input : never;

/** What `run` takes as the context of a DAG; `any` where it declares none. */
export type ContextOf<D> = D extends Dag<any, any, any, any, infer Context, any> ? Context : never;

/** The options `Given` of a DAG's run, with the context that the DAG declares. */
export type WithContext<Given, D> =
  unknown extends ContextOf<D>
    ? Given
    : Omit<Given, "context"> &
        (undefined extends ContextOf<D>
          ? { readonly context?: ContextOf<D> }
          : { readonly context: ContextOf<D> });

/** The options as the last argument of a function: to be left out only where no context has to be given. */
export type OptionsFor<Given, D> =
  unknown extends ContextOf<D>
    ? [options?: Given]
    : undefined extends ContextOf<D>
      ? [options?: WithContext<Given, D>]
      : [options: WithContext<Given, D>];

/** The nodes of a DAG, by name. */
export type NodesOf<D> = D extends Dag<any, infer Nodes, any, any> ? Nodes : never;

/** What a run of the DAG gives: the value of the output node, or an object keyed by name when there are several. */
export type OutputOf<D> =
  D extends Dag<any, infer Nodes, any, infer Chosen> ? OutputAmong<Nodes, Chosen> : never;

/** {@link OutputOf}, told from the nodes and the name that `output` states. */
export type OutputAmong<Nodes, Chosen> = string extends keyof Nodes
  ? unknown // a loaded file: the names are not known
  : [Chosen] extends [never]
    ? OneOrAll<Nodes, Sinks<Nodes>>
    : Chosen extends keyof Nodes
      ? ValueIn<Nodes[Chosen]>
      : unknown;

type OneOrAll<Nodes, Names extends keyof Nodes> =
  IsUnion<Names> extends true ? { readonly [K in Names]: ValueIn<Nodes[K]> } : ValueIn<Nodes[Names]>;

/** Names of the nodes that nothing needs. */
type Sinks<Nodes> = Exclude<keyof Nodes, NeedOf<Nodes[keyof Nodes]>>;
type NeedOf<N> = N extends { readonly needs?: readonly (infer Name)[] } ? Name : never;

type IsUnion<T, Each = T> = T extends Each ? ([Each] extends [T] ? false : true) : never;
