import type { ChatModelLike } from "../spec/shape.js";
import { type LastingView, type Loose, lastingView, type ViewOptions } from "./langchain-view.js";

type Fetch = typeof globalThis.fetch;

/** A view of an instance with an OpenAI client that serves many calls: to make a client costs more than a request. */
export interface SharedView extends LastingView<ChatModelLike> {
  /** What is done with each call's `fetch`, by the call's mark. */
  readonly calls: Map<string, (fetch: Fetch) => Fetch>;
}

/** A header by which a request says which call it is of. It is taken off before the request is sent. */
const callHeader = "x-agent-dag-call";

const mostViews = 16;
let lastCall = 0;

export type Views = Map<string, SharedView>;

/** What is kept of an instance from run to run. */
export interface Kept {
  readonly views: Views;
  /** Keys that the instance holds, once they were looked for. */
  secrets?: readonly string[];
  /** Those and all others in use, as they were found last. */
  inUse?: { readonly sent: number; readonly elsewhere: readonly string[]; readonly all: readonly string[] };
  /** Keys that requests were seen to carry, and that no field of the instance need hold. */
  readonly sent: Set<string>;
  /** Authorisations whose requests were looked through. */
  readonly authorizations: Set<string>;
}

/** Nothing known yet. */
export const newKept = (): Kept => ({ views: new Map(), sent: new Set(), authorizations: new Set() });

const keptOf = new WeakMap<ChatModelLike, Kept & { readonly madeFrom: readonly unknown[] }>();

/** What earlier runs found of an instance with an OpenAI client; nothing once its user has changed what the client is made from. */
export function keptBetweenRuns(instance: ChatModelLike): Kept {
  const madeFrom = clientMadeFrom(instance as unknown as Loose);
  const known = keptOf.get(instance);
  if (
    known?.madeFrom.length === madeFrom.length &&
    known.madeFrom.every((one, index) => Object.is(one, madeFrom[index]))
  )
    return known;
  const kept = { madeFrom, ...newKept() };
  keptOf.set(instance, kept);
  return kept;
}

function clientMadeFrom({ apiKey, clientConfig, client }: Loose): unknown[] {
  const config = (clientConfig ?? {}) as Loose;
  const headers = (config.defaultHeaders ?? {}) as Loose;
  return [apiKey, client, clientConfig, ...Object.entries(config).flat(), ...Object.entries(headers).flat()];
}

/** The view for these options, the same for the same ones. */
export function sharedView(
  views: Views,
  instance: ChatModelLike,
  options: Omit<ViewOptions, "wrapFetch">,
): SharedView {
  const key = JSON.stringify(options);
  const known = views.get(key);
  if (known !== undefined) return known;
  const calls: SharedView["calls"] = new Map();
  const wrapFetch = (fetch: Fetch): Fetch => {
    return (input, init) => {
      // The client makes them anew for each request.
      const headers = init?.headers instanceof Headers ? init.headers : new Headers(init?.headers);
      const call = calls.get(headers.get(callHeader) ?? "");
      headers.delete(callHeader);
      return (call?.(fetch) ?? fetch)(input, { ...init, headers });
    };
  };
  const made = { ...lastingView(instance, { ...options, wrapFetch }), calls };
  if (views.size >= mostViews) views.clear();
  views.set(key, made);
  return made;
}

/** Invokes the view; requests that it makes go through `wrapFetch`. */
export async function invokeShared(
  view: SharedView,
  wrapFetch: (fetch: Fetch) => Fetch,
  messages: unknown[],
  options: Loose,
): Promise<unknown> {
  const mark = String(++lastCall);
  view.calls.set(mark, wrapFetch);
  const { defaultOptions } = view.instance as { defaultOptions?: { options?: { headers?: object } } };
  const own = (options.options ?? defaultOptions?.options ?? {}) as { readonly headers?: object };
  try {
    const headers = { ...own.headers, [callHeader]: mark };
    return await view.instance.invoke(messages, { ...options, options: { ...own, headers } });
  } finally {
    view.calls.delete(mark);
    view.settle();
  }
}
