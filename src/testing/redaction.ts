import { keyRedactor } from "../models/redact.js";
import { secretsInUse } from "../models/secrets.js";

/** What is taken out: a text, or every match of a pattern. */
export type Redaction = string | RegExp;

const hidden = "[redacted]";

// Shapes that nothing but a credential has; ordinary prose and hashes stay as they are.
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${hidden}`],
  [/:\/\/[^/\s:@]+:[^/\s@]+@/g, `://${hidden}@`],
  [/\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}/g, hidden],
  [/\b(?:gsk|xai|hf|ghp|gho|ghs|github_pat|glpat|AIza|AKIA|xox[abp])[-_]?[A-Za-z0-9_-]{12,}/g, hidden],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g, hidden],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, hidden],
  [
    /\b(api[-_ ]?key|x-api-key|access[-_ ]?token|client[-_ ]?secret|password|authorization)(\\?["']?\s*[:=]\s*\\?["']?)(?!(?:Bearer|Basic)\b)[^\s"'\\,;&]{6,}/gi,
    `$1$2${hidden}`,
  ],
];

/**
 * A function that takes credentials and the user's own redactions out of every string of a JSON value: whatever looks
 * like a key, a token or an authorization header, and the values of the environment's keys themselves.
 */
export function createRedactor(redactions: readonly Redaction[] = []): <T>(value: T) => T {
  const texts = redactions.filter((one) => typeof one === "string" && one !== "");
  const withoutKeys = keyRedactor(secretsInUse());
  const own = redactions.flatMap((one) =>
    typeof one === "string"
      ? []
      : [new RegExp(one.source, one.flags.includes("g") ? one.flags : `${one.flags}g`)],
  );
  const clean = (text: string): string => {
    let rest = withoutKeys(text);
    for (const secret of texts) rest = rest.replaceAll(secret, hidden);
    for (const pattern of own) rest = rest.replace(pattern, hidden);
    for (const [pattern, stand] of patterns) rest = rest.replace(pattern, stand);
    return rest;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return clean(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [clean(key), walk(part)]));
  };
  return <T>(value: T) => walk(value) as T;
}
