import { DagError, errorMessage } from "../errors.js";

type Environment = Readonly<Record<string, string | undefined>>;
type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` that reaches `url` through the proxy that the environment names for it, or `undefined` where there is none.
 * The package `undici` makes it: Node's own `fetch` has no such setting, and it is loaded only where a proxy is used.
 * @throws DagError `MODEL_SETTINGS_INVALID` for an address that no proxy can have, `MODEL_PROVIDER_MISSING` when the
 *   package `undici` is not installed.
 */
export async function proxiedFetch(url: string, env: Environment): Promise<Fetch | undefined> {
  const proxy = proxyFor(url, env);
  if (proxy === null || nodeDoesIt(env)) return undefined;
  const undici = await import("undici").catch((error: unknown) => {
    throw new DagError(
      "MODEL_PROVIDER_MISSING",
      `${proxy.variable} is set, and the package undici, which reaches a server through a proxy, cannot be loaded: ${errorMessage(error)}`,
      {
        facts: { package: "undici", variable: proxy.variable },
        cause: error,
        hint: "Install it: npm install undici@6. Or add the server's host to NO_PROXY.",
      },
    );
  });
  // An https server is reached through a tunnel, so that the proxy sees no key; an http one is asked for by the proxy.
  const proxyTunnel = url.startsWith("https:");
  const dispatcher = new undici.ProxyAgent({ uri: proxy.url, proxyTunnel });
  const fetch = undici.fetch as unknown as (input: unknown, init: object) => Promise<Response>;
  return async (input, init) =>
    input instanceof Request
      ? fetch(input.url, { ...(await partsOf(input)), ...init, dispatcher })
      : fetch(input, { ...init, dispatcher });
}

/** A request of Node's own class, which another `fetch` than Node's does not know. */
async function partsOf(request: Request): Promise<RequestInit> {
  const { method, headers, signal } = request;
  const body = request.body === null ? undefined : await request.arrayBuffer();
  return { method, headers, signal, ...(body !== undefined && { body }) };
}

/** Node's own `fetch` honours the variables where it is told to: from 24 on, and in 22 from 22.21 on. */
function nodeDoesIt(env: Environment): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return env.NODE_USE_ENV_PROXY === "1" && (major >= 24 || (major === 22 && minor >= 21));
}

/**
 * The settings with which a provider's chat model, asked for by name, reaches its server through the proxy of the environment;
 * none where no variable names one. Whether a request goes through it is decided by its own address.
 */
export function proxySettings(provider: string, env: Environment): Readonly<Record<string, unknown>> {
  const names = ["https_proxy", "http_proxy"].flatMap((name) => [name, name.toUpperCase()]);
  if (nodeDoesIt(env) || names.every((name) => (env[name]?.trim() ?? "") === "")) return {};
  const made = new Map<string, Promise<Fetch | undefined>>();
  const fetch: Fetch = async (input, init) => {
    const { origin } = new URL(input instanceof Request ? input.url : input);
    const through = made.get(origin) ?? proxiedFetch(origin, env);
    made.set(origin, through);
    return ((await through) ?? globalThis.fetch)(input, init);
  };
  return fetchSettings[provider]?.(fetch) ?? {};
}

/** Where each provider's chat model takes a `fetch`. Google's client takes none. */
const fetchSettings: Readonly<Record<string, (fetch: Fetch) => Readonly<Record<string, unknown>>>> = {
  anthropic: (fetch) => ({ clientOptions: { fetch } }),
  deepseek: (fetch) => ({ configuration: { fetch } }),
  mistralai: (fetch) => ({ httpClient: { request: (request: Request) => fetch(request) } }),
  ollama: (fetch) => ({ fetch }),
  xai: (fetch) => ({ configuration: { fetch } }),
};

/**
 * The proxy for an address, by the rules that most programs follow:
 * 1. `https_proxy` stands for https addresses, `http_proxy` for http ones, the spelling in small letters first; an empty
 *    one counts as not set.
 * 2. `no_proxy` lists hosts that are reached directly, with commas or spaces between: `host`, `host:port`, `.domain` or
 *    `*.domain` (all below it), `*` (every host). A host stands for what is below it too.
 * 3. What has no scheme is an http proxy: `proxy.example:3128`.
 * @throws DagError `MODEL_SETTINGS_INVALID` for an address that no proxy can have; its password is not told.
 */
export function proxyFor(
  url: string,
  env: Environment,
): { readonly url: string; readonly variable: string } | null {
  const target = new URL(url);
  const name = target.protocol === "https:" ? "https_proxy" : "http_proxy";
  const variable = [name, name.toUpperCase()].find((one) => (env[one]?.trim() ?? "") !== "");
  if (variable === undefined || isDirect(target, env.no_proxy ?? env.NO_PROXY ?? "")) return null;
  const given = env[variable]?.trim() ?? "";
  const address = given.includes("://") ? given : `http://${given}`;
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return { url: address, variable };
  throw new DagError("MODEL_SETTINGS_INVALID", `${variable} is not the address of an http or https proxy.`, {
    facts: { variable },
    hint: "Write it as http://host:port, or http://user:password@host:port.",
  });
}

function isDirect({ hostname, port, protocol }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const targetPort = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === "*") return true;
    const isBareAddress = entry.split(":").length > 2 && !entry.startsWith("[");
    const [, name = entry, only] = isBareAddress ? [] : (/^\[?(.*?)\]?(?::(\d+))?$/.exec(entry) ?? []);
    const domain = name.toLowerCase().replace(/^\*?\./, "");
    if (domain === "" || (only !== undefined && only !== targetPort)) return false;
    const isExact = host === domain && domain.length === name.length;
    return isExact || host.endsWith(`.${domain}`);
  });
}
