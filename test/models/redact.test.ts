import { describe, expect, it } from "@jest/globals";
import { redact, redactUrl } from "../../src/models/redact.js";

describe("redact", () => {
  it.each([
    "sk-proj-abcDEF123",
    "sk-****wxyz",
    "gsk_0123456789abcdef",
    "AIzaSyA0123456789abcdefghij",
    "Bearer abc.def.ghi",
    "0123456789abcdef0123456789abcdef",
  ])("takes out %s", (key) => {
    const text = redact(`Incorrect key ${key}, see the docs`);
    expect(text).not.toContain(key.replace("Bearer ", ""));
    expect(text).toMatch(/^Incorrect key .*see the docs$/);
  });

  it("takes out what a field of that name holds", () => {
    expect(redact('{"api_key": "hunter22"}')).toBe('{"api_key": "[redacted]"}');
    expect(redact("password=hunter22&x=1")).toBe("password=[redacted]&x=1");
  });

  it("leaves ordinary words alone", () => {
    const text =
      "gpt-4o-mini-realtime-preview-2024-12-17: Rate limit reached for gpt-4.1-mini-2025-04-14 in api_connection_error: key_not_found; max_tokens: 128";
    expect(redact(text)).toBe(text);
  });
});

describe("redactUrl", () => {
  it("keeps host and path, without credentials and query", () => {
    expect(redactUrl("http://me:pw@host:8080/v1/?key=abc")).toBe("http://host:8080/v1");
  });
});

describe("a key of thousands of characters", () => {
  const long = (size: number) =>
    Array.from(
      { length: size },
      (_, i) => "abcdefghijkmnpqrstuvwxyz0123456789-_."[(i * i * 7 + i) % 37],
    ).join("");

  it.each([500, 4_000, 20_000])("is hidden in every spelling, %d characters long", (size) => {
    const key = long(size);
    const spellings: readonly ((text: string) => string)[] = [
      (text) => text,
      (text) => JSON.stringify({ text }),
      (text) => encodeURIComponent(text).replaceAll("-", "%2D"),
      (text) => Buffer.from(`me:${text}`).toString("base64"),
      (text) => Buffer.from(text).toString("hex"),
      (text) => [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
    ];
    for (const spell of spellings) {
      const shown = redact(`refused: ${spell(key)} is not valid`, [key]);
      expect(shown).toMatch(/^refused: .*is not valid$/);
      expect(shown.length).toBeLessThan(80);
    }
  });
});
