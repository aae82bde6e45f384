import { it } from "@jest/globals";
import { Redis } from "ioredis";
import { hasRedis, startRedis } from "../support/redis.js";
import { testBatches } from "./batch-suite.js";

async function namesIn(url: string): Promise<string[]> {
  const client = new Redis(url);
  const names = [...(await client.keys("agent-dag:*")), ...(await client.smembers("agent-dag:threads"))];
  client.disconnect();
  return names;
}

if (hasRedis()) testBatches("Redis", startRedis, namesIn);
else it.skip("needs a redis-server", () => {});
