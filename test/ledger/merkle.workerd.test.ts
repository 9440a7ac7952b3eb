/** Does the tree keep its contract inside workerd? An auditor may rebuild the log there. */
import { inject } from "vitest";
import { workerPrimitives } from "../../src/runtime/workers/primitives.ts";
import { describeMerkle } from "../contract/merkle.ts";

describeMerkle({
  name: "workerd",
  digest: workerPrimitives(crypto.subtle).digest,
  published: inject("cryptoVectors"),
});
