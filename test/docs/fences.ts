/** A fenced block of a Markdown page. */
export interface Fence {
  readonly language: string;
  readonly text: string;
  /** Offset of the text in the page. */
  readonly at: number;
  /** Why it is not run, where the page says so in a comment before it. */
  readonly notRun: string | null;
}

/** The fenced blocks of a page, in order. */
export function fencesOf(page: string): Fence[] {
  return [...page.matchAll(/^```([a-z]*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, language = "", text = ""] = match;
    const [, notRun = null] = /<!-- not run: (.+) -->\n$/.exec(page.slice(0, match.index)) ?? [];
    return { language, text, at: match.index + 3 + language.length + 1, notRun };
  });
}

/** What a program printed, without what differs from run to run: times, bars, ids. */
export function withoutTimes(text: string): string {
  return text
    .replace(/[█▉▊▋▌▍▎▏▐░┊┬─┴]+/g, " ")
    .replace(/^ +node .*$/gm, "node")
    .replace(/^(\S+)( +\d+\.\d+){5}$/gm, "$1 #")
    .replace(/\d+(\.\d+)? s\b/g, "# s")
    .replace(/^([✓✗].*?)( +\d[\d.]*){2}( +\d)/gm, "$1 # #$3")
    .replace(/ +/g, " ")
    .replace(/ $/gm, "")
    .trim();
}
