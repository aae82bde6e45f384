import { afterEach, describe, expect, it } from "@jest/globals";
import { type ChatMessageInput, defineDag, messages, run } from "../../src/index.js";
import { type RawServer, sendError } from "./raw-server.js";
import { type Reply, replying, says } from "./replies.js";

const servers: RawServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

const pixel = { type: "image", mediaType: "image/png", data: "iVBORw0KGgoAAAAAAAAA" };
const user = (content: ChatMessageInput["content"]): ChatMessageInput => ({
  role: "user",
  content: content ?? "",
});
const assistant = (content: string): ChatMessageInput => ({ role: "assistant", content });

/** What a server that refuses some conversations is sent, request by request, and what becomes of it. */
async function sent(
  input: readonly ChatMessageInput[],
  refusal: (roles: string) => string | null = () => null,
) {
  const reply: Reply = (response, body) => {
    const roles = (body.messages as { role: string }[]).map(({ role }) => role[0]).join("");
    const words = refusal(roles);
    if (words === null) says("Fine.")(response);
    else sendError(response, 400, { message: words });
  };
  const { server, model } = await replying(reply);
  servers.push(server);
  const spec = defineDag({ name: "chat", input: messages(), nodes: { a: { instructions: "Be kind." } } });
  const policy = { retry: { maxAttempts: 1 } };
  const { outcomes } = await run(spec, input, { model, policy });
  return { outcome: outcomes.a, bodies: server.seen.map(({ body }) => body.messages as any[]) };
}

const last = async (...given: Parameters<typeof sent>) => (await sent(...given)).bodies.at(-1);

describe("a conversation", () => {
  it("is sent without empty answers and parts without words, which most providers refuse", async () => {
    expect(await last([user("a"), assistant(""), assistant(" \n"), user("b")])).toMatchObject([
      { role: "system" },
      { role: "user", content: "a" },
      { role: "user", content: "b" },
    ]);
    expect((await last([user([{ type: "text", text: " " }, pixel])]))?.at(-1).content).toMatchObject([
      { type: "image_url" },
    ]);
  });

  it("of nothing but words of the system has them as what is to be answered", async () => {
    const input: ChatMessageInput[] = [
      { role: "system", content: "Greet the user." },
      { role: "developer", content: "In French." },
    ];
    expect(await last(input)).toMatchObject([
      { role: "system", content: "Be kind." },
      { role: "user", content: "Greet the user.\n\nIn French." },
    ]);
  });

  it("with a message of the user without words is refused before anything is sent", async () => {
    for (const content of [
      "",
      [{ type: "text", text: "" }],
      [
        { type: "text", text: " " },
        { type: "text", text: "\n" },
      ],
    ])
      await expect(sent([user(content)])).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });

  it.each([
    'messages: first message must use the "user" role',
    "Please ensure that multiturn requests alternate between user and model",
    "Conversations must start with a user message",
    "Conversation roles must alternate user/assistant/user/assistant/...",
  ])(
    "in which the model speaks first is begun by the user where its server wants that: %s",
    async (words) => {
      const refusal = (roles: string) => (roles.startsWith("sa") ? words : null);
      const { bodies, outcome } = await sent([assistant("Welcome!"), user("hi")], refusal);
      expect(outcome).toMatchObject({ value: "Fine." });
      expect(bodies).toMatchObject([
        [{ role: "system" }, { role: "assistant" }, { role: "user" }],
        [{ role: "system" }, { role: "user" }, { role: "assistant", content: "Welcome!" }, { content: "hi" }],
      ]);
    },
  );

  it("in which one speaks twice is joined where its server wants turns, whoever it is", async () => {
    const refusal = (roles: string) =>
      /uu|aa|^sa/.test(roles) ? "Conversation roles must alternate user/assistant" : null;
    const input = [assistant("Welcome!"), assistant("Ask me."), user("a"), user("b")];
    const { bodies, outcome } = await sent(input, refusal);
    expect(outcome).toMatchObject({ value: "Fine." });
    expect(bodies.at(-1)?.slice(-2)).toMatchObject([
      { role: "assistant", content: "Welcome!\n\nAsk me." },
      { role: "user", content: "a\n\nb" },
    ]);
    expect(bodies).toHaveLength(3);
  });
});
