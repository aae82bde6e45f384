/**
 * Values of an environment that a request can carry and nothing may show: those of variables named like a key, a
 * token, a secret, a password or credentials, and passwords in addresses. @default process.env
 */
export function environmentSecrets(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] {
  return distinct(
    Object.entries(env).flatMap(([name, value = ""]) => [
      ...(namesSecret(name) && name !== "PWD" ? insideOf(value) : []),
      ...(/headers?$/i.test(name) ? headerSecrets(headersIn(value)) : []),
      ...credentialsInUrl(value),
    ]),
  );
}

/** Keys that this process has used and that stand in no variable: of model instances, addresses of stores, headers. */
const noted = new Set<string>();
/** The last ones count: a service may be given a key with each of its runs. */
const mostNoted = 100;

/** Takes note of keys that are in use, so that nothing shows them; once is enough. */
export function noteSecrets(secrets: readonly string[]): void {
  for (const secret of secrets) {
    if (!noted.delete(secret)) lastFound = undefined;
    noted.add(secret);
    const [oldest] = noted;
    if (noted.size > mostNoted && oldest !== undefined) noted.delete(oldest);
  }
}

/** {@link noteSecrets} of what an address carries: its password, and values of its query that are named like keys. */
export const noteAddress = (address: string): void => noteSecrets(credentialsInUrl(address));

/** Every key that is in use: the environment's, and what was taken note of. */
export const secretsInUse = (): string[] => distinct([...environmentSecrets(), ...noted]);

/** How long what was found in the environment is taken to stand, for what asks with every reply. */
const freshMs = 100;
let lastFound: { readonly secrets: readonly string[]; readonly atMs: number } | undefined;

/** {@link secretsInUse}, looked up again after a moment only: many replies come at once. */
export function recentSecretsInUse(): readonly string[] {
  const now = performance.now();
  if (lastFound === undefined || now - lastFound.atMs > freshMs || now < lastFound.atMs) {
    lastFound = { secrets: secretsInUse(), atMs: now };
  }
  return lastFound.secrets;
}

/**
 * The keys that a model instance holds, as its class or its user named them: `apiKey`, tokens, secrets and passwords at
 * any depth that a provider's package uses, values of headers, and what its address carries.
 */
export function instanceSecrets(instance: unknown): string[] {
  const found: string[] = [];
  const seen = new Set<object>();
  const visit = (value: object, depth: number, inHeaders: boolean) => {
    if (seen.has(value) || seen.size > 2000 || ArrayBuffer.isView(value)) return;
    seen.add(value);
    for (const [name, part] of entriesOf(value)) {
      if (typeof part === "string") {
        if (inHeaders ? !plainHeaders.test(name) : namesSecret(name)) found.push(...insideOf(part));
        found.push(...credentialsInUrl(part));
      } else if (typeof part === "object" && part !== null && depth > 0) {
        visit(part, depth - 1, inHeaders || /headers$/i.test(name));
      }
    }
  };
  if (typeof instance === "object" && instance !== null) visit(instance, 5, false);
  return distinct(found);
}

/** Keys among the headers that a request is sent with. */
export function headerSecrets(headers: unknown): string[] {
  return typeof headers === "object" && headers !== null ? instanceSecrets({ headers }) : [];
}

/** What was found of names: those of variables, fields and headers come again with every request. */
const namesKnown = new Map<string, boolean>();
const mostNames = 2_000;

/** Whether a variable, a field or a header of that name holds a key: `OPENAI_API_KEY`, `azureADToken`, `x-api-key`. */
function namesSecret(name: string): boolean {
  const known = namesKnown.get(name);
  if (known !== undefined) return known;
  if (namesKnown.size >= mostNames) namesKnown.clear();
  const found = readsAsSecret(name);
  namesKnown.set(name, found);
  return found;
}

const secretName =
  /^(?:key|apikey|token|secret|password|passwd|passphrase|pwd|credentials?|bearer|cookie|authorization|auth|pat)$|(?:key|token|secret|password)$/;

function readsAsSecret(name: string): boolean {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== "");
  if (
    /^(?:cache|file|path|sock|url|uri|dir|host|type|name|provider|method|scheme|count)$/.test(
      words.at(-1) ?? "",
    )
  )
    return false;
  if (words.includes("cache")) return false;
  return words.some((word) => secretName.test(word));
}

/** Headers whose values are no secrets. */
const plainHeaders =
  /^(?:content-|accept|user-agent|host$|referer$|http-referer$|x-title$|x-stainless-|openai-|anthropic-|connection$|cache-control$|traceparent$|x-request-id$)/i;

/** What of a value is secret: all of it; the credentials after a scheme, decoded too; the fields of a JSON document. */
function insideOf(value: string): string[] {
  const whole = value.trim();
  if (whole === "") return [];
  const [, scheme, credentials] = /^(Bearer|Basic|Token|Key)\s+(\S.*)$/is.exec(whole) ?? [];
  if (credentials !== undefined) {
    const decoded = scheme?.toLowerCase() === "basic" ? Buffer.from(credentials, "base64").toString() : "";
    return [
      whole,
      credentials,
      ...(decoded === "" ? [] : [decoded, decoded.slice(decoded.indexOf(":") + 1)]),
    ];
  }
  if (whole.startsWith("{")) {
    try {
      return [whole, ...instanceSecrets(JSON.parse(whole))];
    } catch {
      return [whole];
    }
  }
  return [
    whole,
    ...(whole.includes("\n") ? whole.split("\n").filter((line) => line.trim().length >= 20) : []),
  ];
}

/** The headers that a variable holds: as JSON, or as `name=value` or `name: value`, one a line or with commas between. */
function headersIn(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return [...value.matchAll(/([\w-]+)\s*[:=]\s*([^,\n]+)/g)].map(([, name, part = ""]) => [
      name,
      percentDecoded(part.trim()),
    ]);
  }
}

/** Not a user's name: a token in its place. */
const leastToken = 20;

/** The password of an address, or the token in place of its user, and the values of its query that are named like keys. */
function credentialsInUrl(value: string): string[] {
  if (!value.includes("://") || !URL.canParse(value)) return [];
  const { username, password, searchParams } = new URL(value);
  const inQuery = [...searchParams].flatMap(([name, part]) => (namesSecret(name) ? [part] : []));
  const isToken = password === "" && username.length >= leastToken;
  return [percentDecoded(isToken ? username : password), ...inQuery].filter((part) => part !== "");
}

/** Text in which `%20` and the like stand for characters; as it is where it is not of that form. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Own fields, and entries of maps and of `Headers`; what cannot be read is passed over. */
function entriesOf(value: object): [string, unknown][] {
  try {
    if (value instanceof Map || value instanceof Headers)
      return [...value].map(([name, part]) => [String(name), part]);
    if (Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2))
      return value.map(([name, part]) => [String(name), part]);
  } catch {
    return [];
  }
  // Some packages hide a password from being listed.
  return Object.getOwnPropertyNames(value).flatMap((name): [string, unknown][] => {
    try {
      return [[name, (value as Record<string, unknown>)[name]]];
    } catch {
      return [];
    }
  });
}

/** Each text once, longest first, so that a key within a longer one leaves no rest of it. */
export const distinct = (texts: readonly string[]) =>
  [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ""))].sort(
    (a, b) => b.length - a.length,
  );
