import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

export default defineConfig({
  test: {
    ...mergeConfig({}, base.test ?? {}),
    include: ["test/stack/**/*.test.ts"],
    exclude: [],
    fileParallelism: false,
  },
});
