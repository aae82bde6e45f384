/**
 * Reads server-sent events out of bytes as they come (HTML standard, "Server-sent events"). What stands in a stream as bare JSON, as
 * some servers write their errors, is an event too.
 */
export interface EventParser {
  /** @returns the data of every event that the bytes completed. */
  add(bytes: Uint8Array): string[];
  /** @returns the data of an event that the end of the stream completes, though its blank line is missing. */
  end(): string[];
}

/**
 * A parser for one stream. Lines end with CR, LF or CRLF, wherever the packets cut them; comments, pings, names and
 * ids of events are passed over.
 * @param maxLine Most characters of one line; a longer one is thrown as `tooLong` says.
 */
export function serverSentEvents(maxLine: number, tooLong: (what: string) => Error): EventParser {
  const decoder = new TextDecoder();
  let rest = "";
  let data: string[] = [];
  let isBare = false;
  let afterCr = false;

  function lines(text: string, ended: boolean): string[] {
    let from = 0;
    const found: string[] = [];
    const all = rest + text;
    const start = rest.length;
    for (let at = start; at < all.length; at++) {
      const code = all.charCodeAt(at);
      if (code !== 10 && code !== 13) {
        afterCr = false;
        continue;
      }
      if (code === 10 && afterCr) {
        afterCr = false;
        from = at + 1;
        continue;
      }
      afterCr = code === 13;
      found.push(all.slice(from, at));
      from = at + 1;
    }
    rest = all.slice(from);
    if (rest.length > maxLine) throw tooLong(`more than ${maxLine} bytes without a line break`);
    if (ended && rest !== "") {
      found.push(rest);
      rest = "";
    }
    return found;
  }

  function events(from: readonly string[], ended: boolean): string[] {
    const found: string[] = [];
    for (const line of from) {
      if (line === "") {
        if (data.length > 0) found.push(data.join("\n"));
        data = [];
        isBare = false;
      } else if (line.startsWith("data:")) {
        const value = line.slice(line[5] === " " ? 6 : 5);
        // Some servers leave out the blank line between events that are JSON each.
        if (data.length > 0 && /^[{[]/.test(value) && isWhole(data.join("\n"))) {
          found.push(data.join("\n"));
          data = [];
        }
        data.push(value);
      } else if (isBare || (data.length === 0 && line.startsWith("{"))) {
        isBare = true;
        data.push(line);
      }
    }
    if (ended && data.length > 0) {
      found.push(data.join("\n"));
      data = [];
    }
    return found;
  }
  return {
    add: (bytes) => events(lines(decoder.decode(bytes, { stream: true }), false), false),
    end: () => events(lines(decoder.decode(), true), true),
  };
}

function isWhole(data: string): boolean {
  try {
    JSON.parse(data);
    return true;
  } catch {
    return data.trim() === "[DONE]";
  }
}
