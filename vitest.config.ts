import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Whole clusters that are killed take minutes: `npm run test:stack`.
    exclude: ["test/stack/**"],
    globalSetup: ["test/world/build.ts"],
    // Most of a flow test is waiting for servers: two at a time on two cores, where Vitest would take one.
    maxWorkers: 2,
    // Flow tests start real servers and processes on a small machine; unit tests end in milliseconds anyway.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
