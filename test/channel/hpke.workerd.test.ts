/** Does HPKE give what RFC 9180 printed inside workerd, where releases are sealed too? */
import { inject } from "vitest";
import { workerPrimitives } from "../../src/runtime/workers/primitives.ts";
import { describeHpke } from "../contract/hpke.ts";

describeHpke({
  name: "workerd",
  primitives: workerPrimitives(crypto.subtle),
  vector: (path) => inject("cryptoVectors")[path],
});
