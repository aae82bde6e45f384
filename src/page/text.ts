import type { TextPart } from "../records/kept-text.js";
import type { PageCall, PageRun } from "../report/page-model.js";

/** What holds letters or pictures together, or apart, in many scripts: seen by what it does between two of them. */
const joiner = /^[\u200c\u200d]$/;
const joinable = /^[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]/u;
const joined = /^[\p{L}\p{Extended_Pictographic}]/u;

/** Text as it is, with every character that cannot be seen, or that turns others around, written out. */
export function shown(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (one, at: number) => {
      const joins =
        joiner.test(one) &&
        joinable.test([...text.slice(Math.max(0, at - 2), at)].at(-1) ?? "") &&
        joined.test(text.slice(at + 1, at + 3));
      return joins ? one : `⟨U+${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
    },
  );
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** The beginning of a text that takes so many columns, with `…` where it was longer; a character and its marks stay together. */
export function clip(text: string, columns: number): string {
  const all = [...new Intl.Segmenter().segment(shown(text))].map(({ segment }) => segment);
  const widthOf = (one: string) => (wide.test(one) ? 2 : 1);
  if (all.reduce((sum, one) => sum + widthOf(one), 0) <= columns) return all.join("");
  let left = Math.max(1, Math.floor(columns) - 1);
  const kept = all.findIndex((one) => {
    left -= widthOf(one);
    return left < 0;
  });
  return `${all.slice(0, Math.max(1, kept)).join("")}…`;
}

/** `1 round`, `2 rounds`. */
export function counted(total: number, noun: string): string {
  return `${total.toLocaleString("en-US")} ${noun}${total === 1 ? "" : "s"}`;
}

/** A value as a person reads it: text as it is, everything else as JSON. */
export function valueText(value: unknown): string {
  return shown(typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? ""));
}

/** Milliseconds as `0.42 s`, `12.3 s`, `2:05 min`. */
export function time(ms: number): string {
  if (ms < 1) return ms <= 0 ? "0 s" : "<1 ms";
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`;
}

/** US dollars with two significant digits below ten cents. */
export function cost(usd: number | null): string {
  if (usd === null) return "unknown";
  if (usd === 0) return "$0";
  if (usd >= 0.1) return `$${usd.toFixed(2)}`;
  return `$${usd.toFixed(Math.min(7, 1 - Math.floor(Math.log10(usd))))}`;
}

export const count = (value: number): string => value.toLocaleString("en-US");

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** The text of parts, from what the run kept. */
export function partsText(parts: readonly TextPart[], run: PageRun): string {
  return shown(
    parts
      .map((part) =>
        typeof part === "string"
          ? part
          : Object.hasOwn(run.texts, part.hash)
            ? (run.texts[part.hash] ?? "")
            : "(not kept)",
      )
      .join(""),
  );
}

/** Input and output tokens of calls, with `≈` where a tokenizer counted. */
export function tokens(calls: readonly PageCall[]): string {
  if (calls.length === 0) return "";
  const sum = calls.reduce((total, call) => total + call.inputTokens + call.outputTokens, 0);
  return `${calls.some((call) => call.estimated) ? "≈" : ""}${count(sum)}`;
}

/** Dollars of calls; `unknown` as soon as one has no price. */
export function costOf(calls: readonly PageCall[]): number | null {
  return calls.reduce<number | null>(
    (sum, call) => (sum === null || call.costUsd === null ? null : sum + call.costUsd),
    0,
  );
}

const marks: Readonly<Record<string, string>> = {
  completed: "✓",
  failed: "✕",
  "timed-out": "⏱",
  skipped: "⊘",
  cancelled: "■",
  interrupted: "?",
  running: "●",
  waiting: "…",
  partial: "◐",
  rejected: "⊘",
};

/** A sign for a state, which always stands beside its name or a label. */
export const mark = (state: string): string => (Object.hasOwn(marks, state) ? (marks[state] ?? "·") : "·");

/** A state as a class: one of those that have colours. */
export const tone = (state: string): string => {
  if (state === "completed") return "good";
  if (state === "failed" || state === "timed-out") return "bad";
  if (state === "running") return "busy";
  if (state === "interrupted" || state === "partial" || state === "rejected") return "warn";
  return "dim";
};

/** What a function told of its progress: a text, and the share that is done where the value says one. */
export function progressOf(value: unknown): { readonly text: string; readonly share: number | null } {
  const { done, total } = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (typeof done === "number" && typeof total === "number" && total > 0) {
    return { text: `${count(done)} of ${count(total)}`, share: within(done / total) };
  }
  if (typeof value === "number" && value >= 0 && value <= 1) return { text: percent(value), share: value };
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return { text: text.length > 60 ? `${text.slice(0, 59)}…` : text, share: null };
}

const within = (share: number) => Math.min(1, Math.max(0, share));

/**
 * Where the live page's server has something, as seen from the page: it may stand at a path without a slash at its end, where a
 * server has taken that away (Next.js) or hangs the service in there (`mount` of Hono, `use` of Express).
 * @param pathname The page's own.
 */
export function besidePage(pathname: string, name: string): string {
  const last = pathname.slice(pathname.lastIndexOf("/") + 1);
  return last === "" ? name : `./${last}/${name}`;
}
