/** Does the exchange of binding 3 hold inside workerd? The suite that Node runs too. */
import { inject } from "vitest";
import { workerPrimitives } from "../../src/runtime/workers/primitives.ts";
import { describeChannel } from "../contract/channel.ts";

describeChannel({
  name: "workerd",
  primitives: workerPrimitives(crypto.subtle),
  vectors: inject("protocolVectors"),
});
