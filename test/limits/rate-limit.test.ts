import { describe, expect, it } from "@jest/globals";
import { readRateLimit, readRetryAfterMs } from "../../src/limits/rate-limit.js";

const reading = (headers: Readonly<Record<string, string>>) => (name: string) => headers[name] ?? null;

it("reads each header of a reply's limits", () => {
  const headers = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-limit-tokens": "200000",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-reset-tokens": "6m0s",
    "retry-after": "2",
  };
  const read = {
    limitRequests: 500,
    limitTokens: 200_000,
    remainingRequests: 499,
    remainingTokens: 0,
    resetRequestsMs: 120,
    resetTokensMs: 360_000,
    retryAfterMs: 2000,
  };
  expect(readRateLimit(reading(headers))).toEqual(read);
  const none = Object.fromEntries(Object.keys(read).map((field) => [field, null]));
  for (const [index, [name, value]] of Object.entries(headers).entries()) {
    const [field, number] = Object.entries(read)[index] as [string, number];
    expect(readRateLimit(reading({ [name]: value }))).toEqual({ ...none, [field]: number });
  }
});

it("is null of a reply without such headers, or with none that can be read", () => {
  expect(readRateLimit(reading({ date: "Sun, 06 Nov 1994 08:49:37 GMT" }))).toBeNull();
  expect(readRateLimit(reading({ "x-ratelimit-limit-tokens": "many" }))).toBeNull();
});

describe("a count", () => {
  it.each([
    ["7", 7],
    [" 7 ", 7],
    ["0", 0],
    ["-1", null],
    ["", null],
    ["  ", null],
    ["x", null],
    ["Infinity", null],
  ])("%j is %j", (text, expected) => {
    expect(
      readRateLimit(reading({ "x-ratelimit-limit-requests": text, "retry-after": "1" }))?.limitRequests,
    ).toBe(expected);
  });
});

describe("a time until the reset", () => {
  it.each([
    ["1s", 1000],
    ["1.5s", 1500],
    ["250ms", 250],
    ["2m", 120_000],
    ["1h2m3s4ms", 3_723_004],
    ["1d", 86_400_000],
    ["10m10s", 610_000],
    ["3", 3000],
    ["0.25", 250],
    ["1s?", null],
    ["?1s", null],
    ["1 s", null],
    ["s", null],
    ["1.s", null],
    ["1.25h", 4_500_000],
    ["1w", null],
    ["-1s", null],
    ["", null],
  ])("%j is %j", (text, expected) => {
    expect(
      readRateLimit(reading({ "x-ratelimit-reset-tokens": text, "retry-after": "1" }))?.resetTokensMs,
    ).toBe(expected);
  });
});

describe("how long the provider asks to wait", () => {
  const date = "Sun, 06 Nov 1994 08:49:37 GMT";
  it.each([
    ["milliseconds before seconds", { "retry-after-ms": "150", "retry-after": "9" }, 150],
    ["seconds", { "retry-after": "9" }, 9000],
    ["seconds with blanks", { "retry-after": " 0.5 " }, 500],
    ["no wait", { "retry-after": "0" }, 0],
    ["a date, against the reply's own", { "retry-after": "Sun, 06 Nov 1994 08:49:47 GMT", date }, 10_000],
    ["a date that is past", { "retry-after": "Sun, 06 Nov 1994 08:49:27 GMT", date }, 0],
    ["a date in the past, against the machine's clock", { "retry-after": date }, 0],
    ["nothing", {}, null],
    ["what is no time", { "retry-after": "soon" }, null],
    [
      "a negative number of milliseconds, which is passed over",
      { "retry-after-ms": "-1", "retry-after": "9" },
      9000,
    ],
  ])("reads %s", (_what, headers: Record<string, string>, expected) => {
    expect(readRetryAfterMs(reading(headers))).toBe(expected);
  });

  it("reads a date against the machine's clock where the reply has none", () => {
    const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
    const waitMs = readRetryAfterMs(reading({ "retry-after": inAnHour })) as number;
    expect(waitMs).toBeGreaterThan(1_800_000);
    expect(waitMs).toBeLessThanOrEqual(3_600_000);
  });
});
