/** Do HPKE and the JWEs give what their documents printed inside workerd, where releases are sealed too? */
import { inject } from "vitest";
import { workerPrimitives } from "../../src/runtime/workers/primitives.ts";
import { describeHpke } from "../contract/hpke.ts";
import { describeJwe } from "../contract/jwe.ts";
import { describeKbsJwe } from "../contract/kbs-jwe.ts";
import { describeXWing } from "../contract/x-wing.ts";

const subject = {
  name: "workerd",
  primitives: workerPrimitives(crypto.subtle),
  vector: (path: string) => inject("cryptoVectors")[path],
};

describeHpke(subject);
describeXWing(subject);
describeJwe(subject);
describeKbsJwe({ ...subject, hasRsa: true });
