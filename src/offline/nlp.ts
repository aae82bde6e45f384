import type { WinkMethods, Model as WinkModel } from "wink-nlp";

/** A word, number or sign of a text. */
export interface Token {
  /** As written. */
  readonly text: string;
  readonly lower: string;
  /** Dictionary form, lower case ("not" for "n't"). */
  readonly lemma: string;
  /** Universal part of speech: NOUN, VERB, ADJ … */
  readonly pos: string;
  /** Whether white space stands before it. */
  readonly spaced: boolean;
}

/** Splits one paragraph into sentences of tagged tokens. */
export type ReadTokens = (paragraph: string) => Token[][];

let loading: Promise<ReadTokens> | undefined;

/** Loads the language model (about 150 ms, once a process) at the first call; importing this file loads nothing. */
export function loadNlp(): Promise<ReadTokens> {
  loading ??= Promise.all([import("wink-nlp"), import("wink-eng-lite-web-model")]).then(([wink, model]) =>
    tokenReader(wink.default(model.default as unknown as WinkModel, ["sbd", "pos"])),
  );
  return loading;
}

function tokenReader(nlp: WinkMethods): ReadTokens {
  const { its } = nlp;
  return (paragraph) => {
    const doc = nlp.readDoc(paragraph);
    const all = doc.tokens();
    const texts = all.out(its.value) as string[];
    const tags = all.out(its.pos) as unknown as string[];
    const lemmas = all.out(its.lemma as unknown as typeof its.value) as unknown as string[];
    const spaces = all.out(its.precedingSpaces) as unknown as string[];
    const tokens = texts.map((text, i): Token => {
      const lower = text.toLowerCase().replaceAll("’", "'");
      const lemma = lower === "n't" ? "not" : (lemmas[i] ?? lower).toLowerCase();
      return { text, lower, lemma, pos: tags[i] ?? "X", spaced: (spaces[i] ?? "") !== "" };
    });
    const spans = doc.sentences().out(its.span) as unknown as [number, number][];
    return spans.map(([from, to]) => joinCompounds(tokens.slice(from, to + 1)));
  };
}

const closed = new Set(["ADP", "ADV", "PART"]);

/** "user", "-", "friendly" become one token; a spaced dash stays a sign. */
function joinCompounds(tokens: readonly Token[]): Token[] {
  const joined: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    let token = tokens[i] as Token;
    for (
      let dash = tokens[i + 1], next = tokens[i + 2];
      dash && next;
      dash = tokens[i + 1], next = tokens[i + 2]
    ) {
      const glued = dash.text === "-" && !dash.spaced && !next.spaced;
      if (!glued || !/[a-z0-9]$/i.test(token.text) || !/^[a-z0-9]/i.test(next.text)) break;
      const [text, lower] = [`${token.text}-${next.text}`, `${token.lower}-${next.lower}`];
      token = {
        text,
        lower,
        lemma: `${token.lower}-${next.lemma}`,
        pos: closed.has(next.pos) ? "NOUN" : next.pos,
        spaced: token.spaced,
      };
      i += 2;
    }
    joined.push(token);
  }
  return joined;
}
