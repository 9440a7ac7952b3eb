/** Do the Worker's Primitives keep the contract inside workerd? */
import { inject } from "vitest";
import { workerPrimitives } from "../../../src/runtime/workers/primitives.ts";
import { describePrimitives } from "../../contract/primitives.ts";

describePrimitives({
  name: "workerd",
  primitives: workerPrimitives(crypto.subtle),
  hasRsa: true,
  vector: (path) => inject("cryptoVectors")[path],
});
