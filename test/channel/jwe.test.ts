/** Suite 3 on Node, and over noble as the second opinion. */
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { describeJwe } from "../contract/jwe.ts";
import { noblePrimitives } from "../support/noble-primitives.ts";

describeJwe({ name: "node", primitives: nodePrimitives });
describeJwe({ name: "noble", primitives: noblePrimitives });
