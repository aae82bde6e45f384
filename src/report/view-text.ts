/** `text` with every line moved to the right. */
export function indented(text: string, by = "  "): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? line : by + line))
    .join("\n");
}

const volatile: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b(?:req|call|chatcmpl|resp|run)[-_][A-Za-z0-9]{6,}\b/g, "<id>"],
  [/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?/g, "<time>"],
  [/\b\d+(?:\.\d+)? ?(?:ms|milliseconds?|s|seconds?)\b/g, "<duration>"],
  [/\b(127\.0\.0\.1|localhost):\d+\b/g, "$1:<port>"],
];

/** A message of an error without what differs from run to run: ids, times, durations, ports of this machine. */
export function steady(message: string): string {
  return volatile.reduce((text, [pattern, stand]) => text.replace(pattern, stand), message);
}
