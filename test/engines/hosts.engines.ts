import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type CallsServer, startCallsServer } from "../support/calls-server.js";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.js";
import { endAll, graphFile, type Running, start, until } from "./engines.js";

const ip = (...words: string[]) => execFileSync("ip", words, { stdio: "pipe" });

/** Hosts of their own: network namespaces, each with a link to the store and one to the calls. */
const hosts = [1, 2].map((n) => ({
  name: `agent-dag-${n}`,
  store: { link: `agdag-s${n}`, here: `10.231.${n}.1`, there: `10.231.${n}.2` },
  calls: { link: `agdag-c${n}`, here: `10.232.${n}.1`, there: `10.232.${n}.2` },
}));

function makeHosts(): void {
  for (const { name, store, calls } of hosts) {
    ip("netns", "add", name);
    ip("-n", name, "link", "set", "lo", "up");
    for (const { link, here, there } of [store, calls]) {
      ip("link", "add", link, "type", "veth", "peer", "name", "far", "netns", name);
      ip("-n", name, "link", "set", "far", "name", `${link}x`);
      ip("addr", "add", `${here}/24`, "dev", link);
      ip("-n", name, "addr", "add", `${there}/24`, "dev", `${link}x`);
      ip("link", "set", link, "up");
      ip("-n", name, "link", "set", `${link}x`, "up");
    }
  }
}

function endHosts(): void {
  for (const { name, store, calls } of hosts) {
    for (const words of [
      ["netns", "del", name],
      ...[store, calls].map(({ link }) => ["link", "del", link]),
    ]) {
      try {
        ip(...words);
      } catch {
        // It is gone, or was never made.
      }
    }
  }
}

function canMakeHosts(): boolean {
  endHosts();
  try {
    makeHosts();
    return true;
  } catch (error) {
    console.log(`Left out: this machine makes no network namespaces (${String(error).split("\n")[0]}).`);
    return false;
  } finally {
    endHosts();
  }
}

const suite = hasRedis() && canMakeHosts() ? describe : describe.skip;

suite("a batch on several hosts", () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-dag-hosts-"));
  let redis: TestRedis;
  let servers: CallsServer[];

  beforeAll(async () => {
    makeHosts();
    redis = await startRedis("0.0.0.0");
    servers = await Promise.all(hosts.map(({ calls }) => startCallsServer(150, calls.here)));
  });
  afterAll(async () => {
    endAll();
    await redis.end();
    await Promise.all(servers.map((server) => server.close()));
    endHosts();
    rmSync(folder, { recursive: true });
  });

  it("is worked at by the others while one is cut off, which sends nothing until it is back", async () => {
    const url = await redis.database();
    const at = (host: string) => url.replace("0.0.0.0", host);
    const workers: Running[] = [];
    for (const [n, { name, store }] of hosts.entries()) {
      const args = ["worker", graphFile, "--engine", at(store.here), "--concurrency", "3"];
      const worker = start(args, { CALLS_URL: servers[n]?.url ?? "" }, ["ip", "netns", "exec", name]);
      await worker.says(/Working at rows/);
      workers.push(worker);
    }
    const count = 200;
    const inputs = join(folder, "rows.jsonl");
    const out = join(folder, "results.jsonl");
    const rows = Array.from({ length: count }, (_, index) => JSON.stringify({ text: `row ${index}` }));
    writeFileSync(inputs, `${rows.join("\n")}\n`);
    const driver = start(["batch", graphFile, inputs, "--out", out, "--engine", at("127.0.0.1")]);
    const [first, second] = servers as [CallsServer, CallsServer];
    const [cut] = hosts;
    await until(() => first.calls.length > 20 && second.calls.length > 20, "both hosts work");

    ip("link", "set", cut?.store.link ?? "", "down");
    const cutAt = Date.now();
    await workers[0]?.says(/out of reach/);
    const open = new Set(
      first.calls.filter(({ startedAt }) => startedAt > cutAt - 50).map((call) => call.input),
    );
    const then = first.calls.length;
    await until(
      () =>
        [...open].every((row) => second.calls.some((call) => call.input === row && call.startedAt > cutAt)),
      "the other host goes on with the rows",
      20_000,
    );
    expect(first.calls.length).toBe(then);

    ip("link", "set", cut?.store.link ?? "", "up");
    await until(() => first.calls.length > then, "the host works again");
    expect(await driver.ended).toBe(0);
    const lines = readFileSync(out, "utf8").trim().split("\n");
    expect(lines.length).toBe(count);
    expect(lines.every((line) => JSON.parse(line).state === "completed")).toBe(true);
  });
});
