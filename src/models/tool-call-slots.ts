/** A piece of a tool call as a provider streams it; what it leaves out is `undefined`. */
export interface ToolCallPiece {
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly args: string;
}

/** A piece that knows its call: the place of it, and the name so far. */
export interface PlacedPiece {
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  readonly args: string;
}

/**
 * Puts pieces to their calls. Most providers number them; some send whole calls without a number, and some number
 * every call 0: there a new id together with a name begins a new call. A name may come in pieces too, or again with
 * every piece.
 */
export function toolCallSlots(): { place(piece: ToolCallPiece): PlacedPiece } {
  const slots: { index: number | undefined; id: string | undefined; name: string; args: string }[] = [];
  return {
    place({ index, id, name, args }) {
      const last = slots.findLastIndex((slot) => index === undefined || slot.index === index);
      const slot = slots[last];
      const begins = name !== undefined && id !== undefined && slot?.id !== undefined && slot.id !== id;
      // A whole call after a whole call is the next one, without ids or with the same; the same call again is none.
      const follows =
        name !== undefined &&
        slot !== undefined &&
        slot.args !== "" &&
        (id === undefined || (slot.args.startsWith("{") && args.startsWith("{"))) &&
        isWholeJson(slot.args);
      if (follows && id !== undefined && id === slot.id && name === slot.name && args === slot.args)
        return { index: last, id, args: "" };
      if (slot === undefined || begins || (follows && args !== "")) {
        slots.push({ index, id, name: name ?? "", args });
        return {
          index: slots.length - 1,
          ...(id !== undefined && { id }),
          ...(name !== undefined && { name }),
          args,
        };
      }
      const repeated = name === undefined || name === slot.name || slot.args !== "";
      if (!repeated) slot.name += name;
      slot.id ??= id;
      slot.args += args;
      return {
        index: last,
        ...(id !== undefined && { id: slot.id ?? id }),
        ...(!repeated && { name: slot.name }),
        args,
      };
    },
  };
}

/**
 * The arguments that were meant, where a server put an empty object in front of them or sent them twice; else the text as it is.
 */
export function argumentsOnce(args: string): string {
  const rest = /^\s*\{\s*\}\s*(\{[\s\S]*)$/.exec(args)?.[1];
  if (rest !== undefined && isWholeJson(rest)) return rest;
  const half = args.slice(0, args.length / 2);
  return half.startsWith("{") && args === half + half && isWholeJson(half) ? half : args;
}

function isWholeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
