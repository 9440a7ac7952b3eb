/** One verb for a volume, in a process that a test may kill: `node volume-child.ts VERB DEVICE PATH STATE`. */
import { writeFileSync } from "node:fs";
import { rekeyVolume } from "../../../src/agent/luks/rekey.ts";
import { unlockVolume } from "../../../src/agent/luks/unlock-volume.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { readHeld, textOf } from "./held-file.ts";
import { heldSecrets } from "./held-secrets.ts";

const [verb = "", device = "", secret = "", file = ""] = process.argv.slice(2);
const secrets = heldSecrets(readHeld(file), [`${secret}/format`], () =>
  writeFileSync(file, textOf(secrets.held)),
);
const parts = { primitives: nodePrimitives, secrets };

if (verb === "rekey") await rekeyVolume({ device, secret }, parts);
else if (verb === "format") await unlockVolume({ device, secret, formatOnGrant: true }, parts);
else await unlockVolume({ device, secret, isCounted: verb === "count" }, parts);
