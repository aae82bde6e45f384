/** The rooms whose tests are tested, and the tests of each: what is there for the room itself, and what goes through it. */
export const rooms = {
  limits: { mutate: ["src/limits/*.ts"], tests: ["test/limits/*.test.ts"] },
  records: { mutate: ["src/records/*.ts"], tests: ["test/records/*.test.ts"] },
  engine: {
    mutate: ["nodes/engine/*.ts"],
    tests: ["test/nodes/engine/*.test.ts", "test/policies/reuse.test.ts"],
  },
  stores: {
    mutate: ["src/stores/thread-l*.ts"],
    tests: ["test/stores/thread-l*.test.ts"],
  },
};
