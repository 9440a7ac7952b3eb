/** Is the nonce of a sign-in what docs/http.md says? Written a second time here, with nothing of ours. */
import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { signInNonce } from "../../src/channel/sign-in.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

function prefixed(bytes: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

const bytes = fc.uint8Array({ maxLength: 64 });

test.prop([fc.webUrl(), bytes, bytes])(
  "is a hash over label, broker, challenge and key",
  (audience, challenge, spki) => {
    const parts = [Buffer.from("ostiary/sign-in/v1"), Buffer.from(audience), challenge, spki];
    const expected = createHash("sha256")
      .update(Buffer.concat(parts.map(prefixed)))
      .digest("base64url");
    expect(signInNonce({ audience, challenge, spki }, nodePrimitives.digest)).toBe(expected);
  },
);
