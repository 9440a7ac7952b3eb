/** Do the Worker's Primitives, and what the core composes of them, keep their contracts inside workerd? */
import { inject } from "vitest";
import { workerPrimitives } from "../../../src/runtime/workers/primitives.ts";
import { describeCredential } from "../../contract/credential.ts";
import { describeJcs } from "../../contract/jcs.ts";
import { describePrimitives } from "../../contract/primitives.ts";
import { describeSigning } from "../../contract/signing.ts";
import { describeSiv } from "../../contract/siv.ts";

const vector = (path: string): string | undefined => inject("cryptoVectors")[path];

const subject = { name: "workerd", primitives: workerPrimitives(crypto.subtle), hasRsa: true, vector };

describePrimitives(subject);
describeSigning(subject);
describeCredential(subject);
describeSiv(vector);
describeJcs(vector);
