/** Which tests judge a mutant of the language? All that read policies, without those that take long and notice little. */
import { defineConfig } from "vitest/config";

/** Fewer of them, where somebody works on one room: file names, apart by commas. What these notice, all notice. */
const only = process.env["MUTATE_TESTS"]?.split(",");

export default defineConfig({
  test: {
    setupFiles: ["test/support/fixed-seed.ts"],
    env: { MUTATE: "1" },
    include: only ?? [
      "test/writ/**/*.test.ts",
      "test/policies/*.test.ts",
      "test/policy/axioms.test.ts",
      "test/policy/vocabulary.test.ts",
      "test/cli/writ-*.test.ts",
    ],
    exclude: [
      "test/writ/**/*.workerd.test.ts",
      "test/writ/browser.test.ts",
      "test/writ/reference/fuzz.test.ts",
    ],
    testTimeout: 30_000,
  },
});
