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
  if (proxy === null) return undefined;
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
  return (input, init) => fetch(input, { ...init, dispatcher });
}

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
