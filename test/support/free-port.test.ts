import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, it } from "@jest/globals";
import { freePort } from "./server-process.js";

it("gives ports that nobody listens on, and that the system gives to no connection", async () => {
  const given = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      await new Promise((done) => server.close(done));
      return port;
    }),
  );
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  expect(new Set(ports).size).toBe(20);
  expect(Math.max(...ports)).toBeLessThan(Math.min(...given));
  const [reason] = await once(connect(ports[0] as number, "127.0.0.1"), "error");
  expect(reason).toMatchObject({ code: "ECONNREFUSED" });
});
