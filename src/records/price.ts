/** Tokens of one request. */
export interface PricedUsage {
  /** All input tokens, those from and into the cache included. */
  readonly inputTokens: number;
  /** The part of the input that was read from the provider's cache. @default 0 */
  readonly cachedInputTokens?: number;
  /** The part of the input that was written into the provider's cache. @default 0 */
  readonly cacheWriteTokens?: number;
  readonly outputTokens: number;
}

/** US dollars for `usage` of the model `provider:name`, or `null` when its price is unknown. */
export type PriceTable = (modelId: string, usage: PricedUsage) => number | null;

/** What a model costs, in US dollars for a million tokens. */
export interface Price {
  /** A million input tokens. */
  readonly inputPerMillion: number;
  /** A million output tokens. */
  readonly outputPerMillion: number;
  /** Input that the provider reads from its cache. @default `inputPerMillion` */
  readonly cachedInputPerMillion?: number;
  /** Input that the provider writes into its cache. @default `inputPerMillion` */
  readonly cacheWritePerMillion?: number;
}

/**
 * Prices by model, for what the table does not know: a deployment, a gateway's name, a server of one's own. A key is
 * `provider:name` or the name alone; a text names the model whose price it has (`"openai:gpt-4.1-mini"`).
 */
export type Prices = Readonly<Record<string, Price | string>>;

/**
 * Reads the price table that ships with `@pydantic/genai-prices` (it never goes to the network). Cached input counts at
 * the cache's price. A name with a vendor in front (`openai:anthropic/claude-sonnet-4-5`, as gateways spell it) has
 * that vendor's price; so has one with a date or a tag behind. The `offline` model and scripted ones cost 0.
 * @param prices What is known better here; it goes before the table. @default nothing
 */
export async function loadPriceTable(prices: Prices = {}): Promise<PriceTable> {
  return priceTable((await import("@pydantic/genai-prices")).calcPrice, prices);
}

/**
 * {@link loadPriceTable}, with the package's own function where nothing may be waited for; `null`: without the package, so that only
 * what `prices` hold has a price.
 */
export function priceTable(calcPrice: CalcPrice | null, prices: Prices = {}): PriceTable {
  const { known, flat } = foundIn(calcPrice);
  const listed = (provider: string, name: string, given: PricedUsage): number | null => {
    const usage = withinInput(given);
    const isPlain = !usage.cachedInputTokens && !usage.cacheWriteTokens;
    const price = isPlain ? flat.get(`${provider}:${name}`) : null;
    if (price) return (usage.inputTokens * price.input + usage.outputTokens * price.output) / 1e6;
    const tokens = {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      ...(usage.cachedInputTokens ? { cache_read_tokens: usage.cachedInputTokens } : {}),
      ...(usage.cacheWriteTokens ? { cache_write_tokens: usage.cacheWriteTokens } : {}),
    };
    try {
      const found = calcPrice?.(tokens, name, { providerId: provider });
      if (price === undefined) flat.set(`${provider}:${name}`, flatPrice(found?.model_price));
      return found?.total_price ?? null;
    } catch {
      return null;
    }
  };
  const priceOf = (modelId: string, usage: PricedUsage, hops: number): number | null => {
    const colon = modelId.indexOf(":");
    const [provider, name] = [modelId.slice(0, Math.max(0, colon)), modelId.slice(colon + 1)];
    const own = ownPrice(prices, modelId) ?? ownPrice(prices, name);
    if (typeof own === "string") return hops > 4 ? null : priceOf(own, usage, hops + 1);
    if (own !== undefined) return costAt(own, usage);
    // A gateway's variant that costs nothing, and one that costs more than the model does.
    if (/\/[^:]+:free$/.test(name)) return 0;
    if (/\/[^:]+:online$/.test(name)) return null;
    if (provider === "offline" || provider === "scripted" || modelId === "offline") return 0;
    // Which spelling of a name the table knows is looked for once.
    let spelling = known.get(modelId);
    if (spelling === undefined) {
      const found = spellings(provider, name).find(([by, as]) => listed(by, as, aToken) !== null);
      spelling = found === undefined ? null : found.join(":");
      known.set(modelId, spelling);
    }
    if (spelling === null) return null;
    const at = spelling.indexOf(":");
    return listed(spelling.slice(0, at), spelling.slice(at + 1), usage);
  };
  return (modelId, usage) => priceOf(modelId, usage, 0);
}

/** What a model's name is looked up with. */
const aToken: PricedUsage = { inputTokens: 1, outputTokens: 1 };

/** No more from the cache and into it than came in: more is a mistake of the server's, for which no table has a price. */
function withinInput(usage: PricedUsage): PricedUsage {
  const { inputTokens, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  if (cachedInputTokens + cacheWriteTokens <= inputTokens) return usage;
  const cached = Math.min(cachedInputTokens, inputTokens);
  return {
    ...usage,
    cachedInputTokens: cached,
    cacheWriteTokens: Math.min(cacheWriteTokens, inputTokens - cached),
  };
}

/** What was found in a table, for every run: it never changes. */
interface Found {
  /** Which spelling of a model's name the table knows; `null` for none. */
  readonly known: Map<string, string | null>;
  /** Models of the table whose price is the same for every token of a kind: most are. */
  readonly flat: Map<string, FlatPrice | null>;
}

const found = new WeakMap<CalcPrice, Found>();
/** More names than anybody has models: what is looked up in a service's lifetime stays bounded. */
const mostKnown = 2_000;

function foundIn(calcPrice: CalcPrice | null): Found {
  const before = calcPrice === null ? undefined : found.get(calcPrice);
  if (before !== undefined && before.known.size < mostKnown) return before;
  const fresh: Found = { known: new Map(), flat: new Map() };
  if (calcPrice !== null) found.set(calcPrice, fresh);
  return fresh;
}

type CalcPrice = typeof import("@pydantic/genai-prices")["calcPrice"];

/** US dollars for a million tokens. */
interface FlatPrice {
  readonly input: number;
  readonly output: number;
}

/** A price of the table without steps or times of day; `null` for any other. */
function flatPrice(price: unknown): FlatPrice | null {
  const { input_mtok: input, output_mtok: output } = (price ?? {}) as Record<string, unknown>;
  return typeof input === "number" && typeof output === "number" ? { input, output } : null;
}

/** The price of one request; see {@link loadPriceTable}. */
export async function costUsd(modelId: string, usage: PricedUsage): Promise<number | null> {
  return (await loadPriceTable())(modelId, usage);
}

function ownPrice(prices: Prices, name: string): Price | string | undefined {
  return Object.hasOwn(prices, name) ? prices[name] : undefined;
}

function costAt(price: Price, usage: PricedUsage): number {
  const { inputPerMillion, outputPerMillion } = price;
  const { cachedInputPerMillion = inputPerMillion, cacheWritePerMillion = inputPerMillion } = price;
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  const fresh = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens);
  return (
    (fresh * inputPerMillion +
      cachedInputTokens * cachedInputPerMillion +
      cacheWriteTokens * cacheWritePerMillion +
      outputTokens * outputPerMillion) /
    1e6
  );
}

/** The table's names of providers that are called otherwise here. */
const providerNames: Readonly<Record<string, string>> = {
  azure_openai: "azure",
  "google-genai": "google",
  "google-vertexai": "google",
  googlegenerativeai: "google",
  vertexai: "google",
  mistralai: "mistral",
  bedrock: "aws",
};

/** Vendors that gateways put in front of a model's name. */
const vendors: Readonly<Record<string, string>> = {
  openai: "openai",
  azure: "azure",
  bedrock: "aws",
  anthropic: "anthropic",
  google: "google",
  gemini: "google",
  vertex_ai: "google",
  mistralai: "mistral",
  mistral: "mistral",
  deepseek: "deepseek",
  groq: "groq",
  cohere: "cohere",
  "x-ai": "x-ai",
  xai: "x-ai",
};

/** Under which providers and names the table may know a model, the likeliest first. */
function spellings(provider: string, name: string): (readonly [provider: string, name: string])[] {
  const own = providerNames[provider] ?? provider;
  const parts = name.split("/");
  const last = parts.at(-1) ?? name;
  const found: (readonly [string, string])[] = [[own, name]];
  // Google's clients spell a model as a resource; Bedrock's models are named by region and vendor.
  if (parts.at(-2) === "models") found.push([own, last]);
  if (/^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|deepseek|ai21)\./.test(last))
    found.push(["aws", last]);
  for (const part of parts.slice(0, -1).reverse()) {
    const vendor = vendors[part.toLowerCase()];
    if (vendor !== undefined) found.push([vendor, last]);
  }
  return found.flatMap(([by, as]) => {
    const bare = as.replace(/(:[\w-]+|@[\w.-]+)$/, "");
    return bare === as
      ? [[by, as] as const]
      : ([
          [by, as],
          [by, bare],
        ] as const);
  });
}
