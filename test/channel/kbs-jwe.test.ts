/** KBS answers on Node, and over noble as the second opinion. */
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { describeKbsJwe } from "../contract/kbs-jwe.ts";
import { noblePrimitives } from "../support/noble-primitives.ts";

describeKbsJwe({ name: "node", primitives: nodePrimitives, hasRsa: true });
describeKbsJwe({ name: "noble", primitives: noblePrimitives, hasRsa: false });
