import type { ModelOptions } from "../spec/shape.js";
import { mendedReplies, mendedReply } from "./reply-watch.js";

/** A LangChain object whose fields are looked at, not known. */
export type Loose = Record<string, unknown>;

/** What one call sees differently from the model instance. */
export interface ViewOptions {
  readonly modelOptions: ModelOptions;
  /** `false` leaves `stream_options` out of OpenAI requests, for servers that refuse it. */
  readonly streamUsage: boolean;
  /** Wraps the `fetch` of an OpenAI or Ollama client. */
  readonly wrapFetch: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch;
}

/**
 * `instance` as one call sees it, while the instance itself stays as the user made it: its own retries, and those of the
 * clients inside it, are off; `temperature` and `maxTokens` are set where it has such fields; an OpenAI client
 * sends its requests through `wrapFetch`. The queue that an instance's own `maxConcurrency` makes is kept, and what the
 * instance writes into itself during the call is written into itself.
 */
export function viewOf<T extends object>(instance: T, options: ViewOptions): T {
  return view(instance, options, passing, 2);
}

/** A view for many calls: slower to make than {@link viewOf}'s, and as quick to read as the instance itself. */
export interface LastingView<T> {
  readonly instance: T;
  /** Moves what the instance wrote into itself since the last time into the instance. Belongs after each call. */
  settle(): void;
}

/** {@link viewOf} for many calls. */
export function lastingView<T extends object>(instance: T, options: ViewOptions): LastingView<T> {
  const layers: { readonly target: object; readonly over: object; readonly own: ReadonlySet<PropertyKey> }[] =
    [];
  const over: Overlay = (target, own) => {
    const made = Object.create(target) as typeof target;
    for (const [key, value] of own)
      Object.defineProperty(made, key, { value, writable: true, enumerable: true, configurable: true });
    layers.push({ target, over: made, own: new Set(own.keys()) });
    return made;
  };
  const seen = view(instance, options, over, 2);
  return {
    instance: seen,
    settle() {
      for (const { target, over, own } of layers) {
        const keys = Reflect.ownKeys(over);
        if (keys.length === own.size) continue;
        for (const key of keys) {
          if (own.has(key)) continue;
          Reflect.set(target, key, Reflect.get(over, key));
          Reflect.deleteProperty(over, key);
        }
      }
    },
  };
}

/** `target` with some fields of its own. */
type Overlay = <T extends object>(target: T, own: Map<PropertyKey, unknown>) => T;

function view<T extends object>(instance: T, options: ViewOptions, overlay: Overlay, depth: number): T {
  const original = instance as Loose;
  const own = new Map<PropertyKey, unknown>(modelFields(original, options.modelOptions));
  if (isCaller(original.caller)) own.set("caller", overlay(original.caller, new Map([["maxRetries", 0]])));
  if (isObject(original.clientConfig) && "streamUsage" in original) {
    own.set("clientConfig", {
      ...original.clientConfig,
      logLevel: original.clientConfig.logLevel ?? "off",
      fetch: options.wrapFetch(asFetch(original.clientConfig.fetch)),
    });
    own.set("client", undefined);
    // The reply's pieces are read from the wire. LangChain would count tokens by itself, with a table from the network.
    if ("streaming" in original) own.set("streaming", false);
    if (!options.streamUsage) own.set("streamUsage", false);
  }
  // Mistral's package makes its own caller, and a client that takes no signal.
  if (typeof original.maxRetries === "number" || "httpClient" in original) own.set("maxRetries", 0);
  if ("httpClient" in original) {
    const { httpClient } = original;
    const given = isObject(httpClient) && typeof httpClient.request === "function" ? httpClient : undefined;
    const asked = given?.request as ((request: Request) => Promise<Response>) | undefined;
    const send = options.wrapFetch(
      asked === undefined
        ? globalThis.fetch
        : (input, init) => asked.call(given, new Request(input as Request, init)),
    );
    const request = (one: Request) => send(one);
    own.set(
      "httpClient",
      given === undefined ? { request } : overlay(given, new Map([["request", request]])),
    );
  }
  // Ollama's client takes no signal before its reply begins: its requests end with the call all the same.
  if (
    isObject(original.client) &&
    typeof original.client.fetch === "function" &&
    !isObject(original.clientConfig)
  )
    own.set(
      "client",
      overlay(original.client, new Map([["fetch", options.wrapFetch(asFetch(original.client.fetch))]])),
    );
  // The client of Google's other package signs what it is given to send.
  const { apiClient } = original;
  if (isObject(apiClient) && isFunction(apiClient.fetch)) {
    const sign: (request: Request) => Promise<Response> = apiClient.fetch.bind(apiClient);
    const send = options.wrapFetch((input, init) => sign(new Request(input as Request, init)));
    own.set("apiClient", overlay(apiClient, new Map([["fetch", send]])));
  }
  // Google's client: its package leaves out what has no content.
  const { client } = original;
  if (isObject(client) && isFunction(client.generateContentStream) && isFunction(client.generateContent)) {
    const { generateContentStream: stream, generateContent: whole } = client;
    const streamed = async (...given: unknown[]) => {
      const reply: { readonly stream: AsyncIterable<unknown>; readonly response?: Promise<unknown> } =
        await stream.apply(client, given);
      // The whole of it, which nobody reads: where the stream breaks, its failure would end the process.
      reply.response?.catch(() => undefined);
      return { ...reply, stream: mendedReplies(reply.stream) };
    };
    const fetched = async (...given: unknown[]) => {
      const reply: { readonly response: unknown } = await whole.apply(client, given);
      return { ...reply, response: mendedReply(reply.response) };
    };
    const methods = new Map<PropertyKey, unknown>([
      ["generateContentStream", streamed],
      ["generateContent", fetched],
    ]);
    own.set("client", overlay(client, methods));
  }
  if (depth > 0) {
    for (const [key, value] of Object.entries(instance)) {
      if (isObject(value) && isCaller(value.caller)) own.set(key, view(value, options, overlay, depth - 1));
    }
  }
  return overlay(instance, own);
}

/** Reads and writes of all other fields reach the target. */
const passing: Overlay = (target, own) =>
  new Proxy(target, {
    get: (_, key, receiver) => (own.has(key) ? own.get(key) : Reflect.get(target, key, receiver)),
    set: (_, key, value) =>
      own.has(key) ? own.set(key, value) !== undefined : Reflect.set(target, key, value),
  });

/** The provider packages' names for the two options; only fields that the instance has are set. */
function modelFields(instance: Loose, { temperature, maxTokens }: ModelOptions): [string, number][] {
  const fields: [string, number][] = [];
  if (temperature !== undefined && "temperature" in instance) fields.push(["temperature", temperature]);
  if (maxTokens !== undefined) {
    for (const name of ["maxTokens", "maxOutputTokens", "numPredict"])
      if (name in instance) fields.push([name, maxTokens]);
  }
  return fields;
}

const isObject = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isFunction = (value: unknown): value is (...given: unknown[]) => Promise<never> =>
  typeof value === "function";

const isCaller = (value: unknown): value is object =>
  isObject(value) && typeof value.callWithOptions === "function";

/** The one that is global when a request is sent, where there is no other. */
const asFetch = (value: unknown): typeof globalThis.fetch =>
  typeof value === "function"
    ? (value as typeof globalThis.fetch)
    : (input, init) => globalThis.fetch(input, init);
