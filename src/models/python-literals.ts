/** A call as Python writes it. */
export interface PythonCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * The calls of a text that is nothing else, as models write them that were trained on Python: `weather(city="Rome")`, several of
 * them one after another, on lines or in a list. Arguments are named and literal.
 * @returns none where the text is anything else.
 */
export function pythonCalls(text: string): PythonCall[] {
  const reader = readerOf(text);
  try {
    const call = (): PythonCall => {
      const name = reader.matches(/[A-Za-z_][\w.-]*/y);
      reader.needs("(");
      return { name, args: Object.fromEntries(reader.until(")", reader.named)) };
    };
    const calls: PythonCall[] = reader.takes("[") ? reader.until("]", call) : [];
    while (calls.length === 0 || !reader.ended()) calls.push(call());
    return calls;
  } catch {
    return [];
  }
}

/** What a literal of Python or JSON says, `undefined` where the text is none. */
export function pythonLiteral(text: string): unknown {
  const reader = readerOf(text);
  try {
    const value = reader.value();
    return reader.ended() ? value : undefined;
  } catch {
    return undefined;
  }
}

const words: Readonly<Record<string, unknown>> = {
  ...{ True: true, False: false, None: null },
  ...{ true: true, false: false, null: null },
};

const escapes: Readonly<Record<string, string>> = {
  ...{ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "\n": "" },
  ...{ "\\": "\\", "'": "'", '"': '"', "/": "/" },
};

/** Reads a text from its beginning; whatever is not as it has to be throws a SyntaxError. */
function readerOf(text: string) {
  let at = 0;
  const space = () => {
    while (/\s/.test(text[at] ?? "")) at++;
  };
  function takes(mark: string): boolean {
    space();
    if (!text.startsWith(mark, at)) return false;
    at += mark.length;
    return true;
  }
  function needs(mark: string): void {
    if (!takes(mark)) throw new SyntaxError(`${mark} is missing`);
  }
  function matches(pattern: RegExp): string {
    space();
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) throw new SyntaxError(`not ${pattern}`);
    at += found.length;
    return found;
  }
  function until<T>(end: string, read: () => T): T[] {
    const all: T[] = [];
    while (!takes(end)) {
      all.push(read());
      if (!takes(",")) {
        needs(end);
        break;
      }
    }
    return all;
  }
  function string(): string {
    const quoted = matches(/'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y);
    return quoted
      .slice(1, -1)
      .replace(
        /\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|([\s\S]))/g,
        (written, long?: string, short?: string, char = "") => {
          // As in Python, what is no escape (of a pattern, or of TeX) stays as it is.
          const code = long ?? short;
          return code === undefined
            ? (escapes[char] ?? written)
            : String.fromCharCode(Number.parseInt(code, 16));
        },
      );
  }
  function value(): unknown {
    if (takes("[")) return until("]", value);
    if (takes("(")) return until(")", value);
    if (takes("{")) return Object.fromEntries(until("}", entry));
    space();
    if (/["']/.test(text[at] ?? "")) return string();
    const word = matches(/[A-Za-z]+|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (Object.hasOwn(words, word)) return words[word];
    if (/^[A-Za-z]/.test(word)) throw new SyntaxError(`${word} is no literal`);
    return Number(word);
  }
  const entry = () => {
    const key = string();
    needs(":");
    return [key, value()] as const;
  };
  const named = () => {
    const name = matches(/[A-Za-z_]\w*/y);
    needs("=");
    return [name, value()] as const;
  };
  const ended = () => {
    space();
    return at >= text.length;
  };
  return { takes, needs, matches, until, named, value, ended };
}
