/** Does the exchange of binding 3 hold on Node? The suite that workerd runs too. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { describeChannel } from "../contract/channel.ts";
import { sharedDesign } from "../support/shared-vectors.ts";

const vectors =
  sharedDesign === undefined ? "" : readFileSync(join(sharedDesign, "protocol-vectors.json"), "utf8");
describeChannel({ name: "node", primitives: nodePrimitives, vectors });
