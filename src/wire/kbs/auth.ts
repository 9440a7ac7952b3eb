/** How does the KBS exchange begin? `Request` of a guest and `Challenge` of the broker, of protocols 0.2.0 and 0.4.0. */
import * as v from "valibot";
import { base64Of } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { KbsVersion } from "../../channel/kbs-binding.ts";
import { decode, encode, REQUEST } from "../codec.ts";
import { textField } from "../fields.ts";

/** Every version that this broker can speak; its configuration says which of them it does. */
export const KBS_VERSIONS = ["0.4.0", "0.2.0"] as const satisfies readonly KbsVersion[];

/** What the stock client calls the machines that are attested here. */
const TEES = ["snp", "az-snp-vtpm"] as const;

/** Of `extra-params` only a selector of policies would change what is decided: there are none here. */
export const KBS_REQUEST = v.strictObject({
  version: textField(32),
  tee: textField(32),
  "extra-params": v.exactOptional(v.unknown()),
});

export const KBS_CHALLENGE = v.object({ nonce: v.string(), "extra-params": v.literal("") });

/**
 * Reads the request, and which version it wants.
 *
 * @throws {@link Fault} `request/malformed`, `request/too-large`; `kbs/other-version`, `kbs/other-tee`.
 */
export function decodeKbsRequest(bytes: Uint8Array, spoken: readonly KbsVersion[]): KbsVersion {
  const request = decode(KBS_REQUEST, bytes, REQUEST);
  const version = spoken.find((one) => one === request.version);
  if (version === undefined) throw otherVersion(request.version, spoken);
  if (!TEES.some((tee) => tee === request.tee)) {
    const sentence = `expected a guest on ${TEES.join(" or ")}, received ${shown(request.tee)}`;
    throw new Fault("kbs/other-tee", sentence, { sentence });
  }
  refuseSelector(request["extra-params"]);
  return version;
}

/** The nonce in base64 with padding, of which 48 bytes need none. */
export function encodeKbsChallenge(nonce: Uint8Array): string {
  return encode({ nonce: base64Of(nonce), "extra-params": "" });
}

/** Clients and their operators look for this text. */
function otherVersion(received: string, spoken: readonly KbsVersion[]): Fault {
  const expected = spoken.map((version) => `=${version}`).join(" or ");
  const sentence = `KBS Client Protocol Version Mismatch: expect ${expected} while the request is ${shown(received)}`;
  return new Fault("kbs/other-version", sentence, { sentence });
}

function refuseSelector(parameters: unknown): void {
  if (typeof parameters !== "object" || parameters === null || !Object.hasOwn(parameters, "id")) return;
  throw new Fault(
    "request/malformed",
    "expected no `id` in `extra-params`: which policies hold, the broker says",
  );
}

/** A word of a stranger's goes into an answer only where it is one. */
function shown(word: string): string {
  return /^[\w.-]{1,32}$/.test(word) ? word : "another";
}
