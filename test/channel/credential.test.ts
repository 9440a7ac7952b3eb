/** Is the secret of a credential of one exchange, one endorsement key and one object, and of nothing else that this broker keys? */
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { concatBytes, hexOf, u32be } from "../../src/base/bytes.ts";
import { credentialSecret } from "../../src/channel/credential.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const KEY = { kid: 1, macKey: new Uint8Array(32).fill(0xaa) };
const OF = {
  nonce: new Uint8Array(48).fill(1),
  ek: new Uint8Array(314).fill(2),
  akName: new Uint8Array(34).fill(3),
};

describe("the secret of a credential", () => {
  it("is a MAC over nonce, endorsement key and name, under a key of its own", () => {
    const lp = (bytes: Uint8Array) => concatBytes(u32be(bytes.length), bytes);
    const input = concatBytes(lp(OF.nonce), lp(OF.ek), lp(OF.akName));
    const info = concatBytes(new TextEncoder().encode("ostiary/credential-mac/v1"), Uint8Array.of(1));
    const prk = nodePrimitives.hmac("sha256", new Uint8Array(32), KEY.macKey);
    const own = nodePrimitives.hmac("sha256", prk, info);
    expect(credentialSecret(OF, KEY, nodePrimitives)).toEqual(nodePrimitives.hmac("sha256", own, input));
    expect(KEY.macKey).toEqual(new Uint8Array(32).fill(0xaa));
  });

  property.prop([
    fc.record({ nonce: fc.uint8Array(), ek: fc.uint8Array(), akName: fc.uint8Array() }),
    fc.record({ nonce: fc.uint8Array(), ek: fc.uint8Array(), akName: fc.uint8Array() }),
  ])("is another for every other nonce, key or name, wherever one ends and the next begins", (a, b) => {
    const [one, two] = [credentialSecret(a, KEY, nodePrimitives), credentialSecret(b, KEY, nodePrimitives)];
    const isSame =
      [a.nonce, a.ek, a.akName].map(hexOf).join() === [b.nonce, b.ek, b.akName].map(hexOf).join();
    expect(hexOf(one) === hexOf(two)).toBe(isSame);
    const moved = { ...a, nonce: concatBytes(a.nonce, a.ek), ek: new Uint8Array(0) };
    expect(a.ek.length === 0 || hexOf(credentialSecret(moved, KEY, nodePrimitives)) !== hexOf(one)).toBe(
      true,
    );
  });

  it("is another in another epoch", () => {
    const other = { kid: 2, macKey: new Uint8Array(32).fill(0xab) };
    expect(credentialSecret(OF, other, nodePrimitives)).not.toEqual(
      credentialSecret(OF, KEY, nodePrimitives),
    );
  });
});
