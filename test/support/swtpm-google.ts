/** What does Google's host put into a vTPM? The template of an attestation key and a certificate for it, here in swtpm, under a simulated authority. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { answerReader, readSized, sized } from "../../src/attestation/tpm/command.ts";
import { withPrimaryOf } from "../../src/attestation/tpm/create-primary.ts";
import { readSigningArea } from "../../src/attestation/tpm/public-area.ts";
import { TPM_RH } from "../../src/attestation/tpm/words.ts";
import { concatBytes, u16be, u32be } from "../../src/base/bytes.ts";
import { spkiOf } from "../../src/base/spki.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { simulatedProvider } from "./provider.ts";
import { defineNv, writeNv } from "./swtpm-azure.ts";

export type AkKind = "rsa" | "ecc";

export const NV = {
  rsa: { certificate: 0x01c1_0000, template: 0x01c1_0001 },
  ecc: { certificate: 0x01c1_0002, template: 0x01c1_0003 },
} as const;

const [RSA, ECC, SHA256, NULL, RSASSA, ECDSA, P256] = [0x0001, 0x0023, 0x000b, 0x0010, 0x0014, 0x0018, 3];
/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign. */
const ATTRIBUTES = 0x0005_0472;

/** TPMT_PUBLIC of a restricted key that signs. @param seed - What makes it another key than that of the same template without. */
export function akTemplate(kind: AkKind, seed: Uint8Array = new Uint8Array(0)): Uint8Array {
  const head = [
    u16be(kind === "rsa" ? RSA : ECC),
    u16be(SHA256),
    u32be(ATTRIBUTES),
    sized(new Uint8Array(0)),
  ];
  if (kind === "rsa") {
    const signing = [u16be(NULL), u16be(RSASSA), u16be(SHA256)];
    return concatBytes(...head, ...signing, u16be(2048), u32be(0), sized(seed));
  }
  const signing = [u16be(NULL), u16be(ECDSA), u16be(SHA256)];
  return concatBytes(...head, ...signing, u16be(P256), u16be(NULL), sized(seed), sized(new Uint8Array(0)));
}

/** The key that this TPM makes of a template, as whoever certifies it is told. */
export async function akOf(device: string, template: Uint8Array): Promise<KeyObject> {
  const plan = { hierarchy: TPM_RH.endorsement, template };
  const spki = await withTpm(device, (transact) =>
    withPrimaryOf(plan, transact, async ({ parameters }) => {
      const area = readSigningArea(answerReader(readSized(answerReader(parameters))));
      return area.kind === "rsa"
        ? spkiOf("rsa-2048-pkcs1-sha256", area.modulus)
        : spkiOf("ecdsa-p256-sha256", concatBytes(area.x, area.y));
    }),
  );
  return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
}

/** Puts bytes at an index of their size, or of a larger one: what is behind them was never written. */
export async function putNv(device: string, index: number, bytes: Uint8Array, size = bytes.length) {
  await defineNv(device, index, size);
  await writeNv(device, bytes, index);
}

/** A vTPM as Google delivers it. */
export async function provisionAk(device: string, kind: AkKind): Promise<void> {
  const template = akTemplate(kind);
  await putNv(device, NV[kind].template, template);
  await putNv(device, NV[kind].certificate, simulatedProvider().akCertificate(await akOf(device, template)));
}
