const hidden = "[redacted]";

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w.~+/=*-]{6,}/gi, `$1 ${hidden}`],
  [/:\/\/[^/\s@]+@/g, `://${hidden}@`],
  [
    /\b(api[-_ ]?key|access[-_ ]?token|secret|password|authorization)(["']?\s*[:=]\s*["']?)[^\s"',;&]{4,}/gi,
    `$1$2${hidden}`,
  ],
  [/\bsk-[\w*.-]{3,}/g, hidden],
  [/\b(?:pk|rk|gsk|xai|hf|ghp|glpat|AIza|key|api)[-_]?(?=[\w*-]*[\d*])[\w*-]{12,}/g, hidden],
  [/\b(?=\w*\d)(?=\w*[A-Za-z])\w{32,}/g, hidden],
];

/** `text` without anything that looks like a key, a token or credentials in an address. */
export function redact(text: string): string {
  return patterns.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}

/** An address as it may be shown: no credentials, no query. */
export function redactUrl(url: string): string {
  try {
    const { origin, pathname } = new URL(url);
    return redact(`${origin}${pathname}`.replace(/\/$/, ""));
  } catch {
    return redact(url);
  }
}
