import { it } from "@jest/globals";
import { hasRedis, startRedis } from "../support/redis.js";
import { testBatches } from "./batch-suite.js";

if (hasRedis()) testBatches("Redis", startRedis);
else it.skip("needs a redis-server", () => {});
