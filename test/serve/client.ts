import type { RunEvent } from "../../src/records/events.js";

/** One message of an event stream. */
export interface Message {
  readonly id: number;
  readonly event: RunEvent;
}

/** A request with a JSON body. */
export function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Request {
  return new Request(new URL(path, "http://localhost"), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

export function get(path: string, headers: Readonly<Record<string, string>> = {}): Request {
  return new Request(new URL(path, "http://localhost"), { headers });
}

/** The messages of an event stream, as they come. */
export async function* messagesOf(response: Response): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const data = field("data");
      if (data !== undefined) yield { id: Number(field("id")), event: JSON.parse(data) as RunEvent };
    }
  }
}

export async function allMessages(response: Response): Promise<Message[]> {
  const all: Message[] = [];
  for await (const message of messagesOf(response)) all.push(message);
  return all;
}

/** Something that a test lets go on when it wants. */
export function gate() {
  let open: () => void = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}
