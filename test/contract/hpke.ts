/** Does HPKE over a runtime's Primitives give what RFC 9180 printed? */
import { describe, expect, it } from "vitest";
import { hexOf, parseHex } from "../../src/base/bytes.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { DHKEM_X25519 } from "../../src/channel/dhkem.ts";
import { type HpkeSuite, openBase, sealBase } from "../../src/channel/hpke.ts";

/** The AES-128 suite of appendix A.1, which exists for its vectors alone. */
const A1: HpkeSuite = {
  kem: DHKEM_X25519,
  aeadId: 0x0001,
  aeadKeySize: 16,
  pskIdHash: bytesOf("725611c9d98c07c03f60095cd32d400d8347d45ed67097bbad50fc56da742d07"),
};

export interface HpkeSubject {
  readonly name: string;
  readonly primitives: Primitives;
  /** The text of a file below `crypto/`; `undefined` where the shared vectors are not there. */
  readonly vector: (path: string) => string | undefined;
}

export function describeHpke({ name, primitives, vector }: HpkeSubject): void {
  const file = vector("hpke/rfc9180-a1-x25519-aes128gcm-base.txt");
  const itWithVector = file === undefined ? it.skip : it;
  const where = file === undefined ? " (no ../shared/vectors here)" : "";
  describe(`RFC 9180 appendix A.1, base mode, on ${name}`, () => {
    itWithVector(`gives the encapsulated key, the key schedule and both ciphertexts${where}`, async () => {
      const { setup, messages } = appendixA1(file ?? "");
      const [first, second] = messages;
      if (first === undefined || second === undefined) throw new Error("the vector has two messages");
      const seen: { key: Uint8Array; iv: Uint8Array }[] = [];
      const sealed = await sealBase(
        {
          recipient: setup("pkRm"),
          info: setup("info"),
          aad: bytesOf(first["aad"] ?? ""),
          plaintext: bytesOf(first["pt"] ?? ""),
          ephemeral: setup("skEm"),
        },
        recordingSeals(primitives, seen),
        A1,
      );
      expect(hexOf(sealed.enc)).toBe(hexOf(setup("enc")));
      expect(hexOf(sealed.enc)).toBe(hexOf(setup("pkEm")));
      expect(hexOf(sealed.ct)).toBe(first["ct"]);
      const [schedule] = seen;
      if (schedule === undefined) throw new Error("nothing was sealed");
      expect(hexOf(schedule.key)).toBe(hexOf(setup("key")));
      expect(hexOf(schedule.iv)).toBe(hexOf(setup("base_nonce")));

      // We seal one message to a key; the second of the vector follows from the same schedule.
      const iv = schedule.iv.map((byte, i) => (i === 11 ? byte ^ 1 : byte));
      const next = await primitives.aeadSeal(
        schedule.key,
        iv,
        bytesOf(second["aad"] ?? ""),
        bytesOf(second["pt"] ?? ""),
      );
      expect(hexOf(next)).toBe(second["ct"]);
    });

    itWithVector(`opens the first ciphertext with the recipient's key${where}`, async () => {
      const { setup, messages } = appendixA1(file ?? "");
      const [first] = messages;
      const opened = await openBase(
        {
          privateKey: setup("skRm"),
          enc: setup("enc"),
          info: setup("info"),
          aad: bytesOf(first?.["aad"] ?? ""),
          ct: bytesOf(first?.["ct"] ?? ""),
        },
        primitives,
        A1,
      );
      expect(opened === undefined ? undefined : hexOf(opened)).toBe(first?.["pt"]);
    });
  });
}

function recordingSeals(primitives: Primitives, seen: { key: Uint8Array; iv: Uint8Array }[]): Primitives {
  return {
    ...primitives,
    aeadSeal: (key, iv, aad, plaintext) => {
      seen.push({ key: key.slice(), iv: iv.slice() });
      return primitives.aeadSeal(key, iv, aad, plaintext);
    },
  };
}

function bytesOf(hex: string): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes === undefined) throw new Error("the vector is not hex");
  return bytes;
}

/** The text of the appendix: `name: hex`, the hex on further lines where it is long. */
function appendixA1(file: string) {
  const [head, ...rest] = file.split(/^sequence number: \d+$/m);
  const fields = fieldsIn(head ?? "");
  return {
    setup: (name: string) => bytesOf(fields[name] ?? "no such field"),
    messages: rest.map(fieldsIn),
  };
}

function fieldsIn(part: string): Readonly<Record<string, string>> {
  const fields = [...part.matchAll(/^(\w+):\s*((?:[0-9a-f]+\s*)+)$/gm)];
  return Object.fromEntries(fields.map(([, name, hex]) => [name, (hex ?? "").replace(/\s/g, "")]));
}
