/** Who asks? Simulated guests whose requests are made beforehand, so that only the broker's work is measured. */
import { randomBytes } from "node:crypto";
import { utf8 } from "../src/base/bytes.ts";
import { transcriptOf } from "../src/channel/transcript.ts";
import type { RunningBroker } from "../src/runtime/node/broker.ts";
import { systemNow } from "../src/runtime/node/clock.ts";
import { nodePrimitives } from "../src/runtime/node/primitives.ts";
import type { SimulatedMachine } from "../src/simulator/chip-folder.ts";
import { encodeClaims } from "../src/wire/claims.ts";
import type { ReleaseRequest } from "../src/wire/messages.ts";
import { encodeEvidenceRequest } from "../src/wire/release.ts";

export interface GuestParts {
  readonly machine: SimulatedMachine;
  readonly audience: string;
  readonly signingKey: Uint8Array;
  readonly path: string;
}

export type PreparedRequest = ReleaseRequest;

/** A request over this nonce, as the agent of a VM that just booted would make it: each is another guest. */
export async function prepareRequest(nonce: Uint8Array, parts: GuestParts): Promise<PreparedRequest> {
  const claims = { want: [{ secret: parts.path }] };
  const claimsBytes = encodeClaims(claims);
  const none = new Uint8Array(0);
  const own = { ownNonce: random(32), wrapPub: await nodePrimitives.publicKeyOf("x25519", random(32)) };
  const transcript = transcriptOf(
    {
      role: 1,
      binding: 3,
      suite: 1,
      vmpl: 0,
      audience: parts.audience,
      nonce,
      cb: none,
      attesterSpki: none,
      peerSpki: parts.signingKey,
      claimsHash: nodePrimitives.digest("sha512", claimsBytes),
      ...own,
    },
    nodePrimitives,
    "raw",
  );
  const report = parts.machine.chip.report({ reportData: transcript.binder, reportId: random(32) });
  const certTable = parts.machine.certTable(systemNow());
  const evidence = { format: "raw", report, certTable } as const;
  const request = { v: 1, binding: 3, suite: 1, vmpl: 0, nonce, ...own, claimsBytes, evidence } as const;
  return { ...request, claims, bodyBytes: utf8(encodeEvidenceRequest(request)) };
}

export type Broker = Pick<RunningBroker, "url" | "world">;

function random(size: number): Uint8Array {
  return Uint8Array.from(randomBytes(size));
}
