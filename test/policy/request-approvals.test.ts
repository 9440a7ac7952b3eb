/** What do people sign when they approve a request? One form, each member bound, and one person's word in each envelope. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64UrlOf, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import type { Admin } from "../../src/policy/admins.ts";
import { loadBundle, packBundle } from "../../src/policy/bundle.ts";
import {
  approvalGroups,
  countPeople,
  encodeRequestApproval,
  openRequestApproval,
  type RequestApproval,
  requestDigest,
  signRequestApproval,
} from "../../src/policy/request-approvals.ts";
import { cosignDsse, signDsse } from "../../src/policy/signatures.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";

const ADA = createEd25519Signer("ada", generateEd25519Pem());
const BEN = createEd25519Signer("ben", generateEd25519Pem());
const TYPE = "application/vnd.ostiary.request-approval.v1+json";

const APPROVAL: RequestApproval = {
  resource: "prod/db1/luks",
  op: "release",
  report: "ab".repeat(32),
  channel: "application",
  audience: "https://broker.example",
  at: 1_795_000_000,
};

function adminOf({ kid, spki }: typeof ADA, changes: Partial<Admin> = {}): Admin {
  return { kid, spki, person: kid, roles: ["break-glass"], under: [], owns: ["oncall"], ...changes };
}

const ADMINS = [adminOf(ADA), adminOf(BEN)];

async function codeOf(envelope: string): Promise<string> {
  try {
    await openRequestApproval(envelope, ADMINS, nodePrimitives);
    return "opened";
  } catch (thrown) {
    return isFault(thrown) ? thrown.code : String(thrown);
  }
}

describe("an approval of a request", () => {
  it("says what was approved and who did, under a name of its own for each person", async () => {
    const [one, two] = await Promise.all(
      [ADA, BEN].map(async (by) =>
        openRequestApproval(await signRequestApproval(APPROVAL, by), ADMINS, nodePrimitives),
      ),
    );
    expect([one?.approval, one?.admin.kid, two?.admin.kid]).toEqual([APPROVAL, "ada", "ben"]);
    expect(one?.digest).not.toBe(two?.digest);
  });

  it("is known by the same name however its envelope is written", async () => {
    const envelope = await signRequestApproval(APPROVAL, ADA);
    const spaced = envelope
      .replace("{", "{ ")
      .replaceAll("-", "+")
      .replaceAll("vnd.ostiary.request+approval.v1+json", "vnd.ostiary.request-approval.v1+json");
    const [one, two] = await Promise.all(
      [envelope, spaced].map((text) => openRequestApproval(text, ADMINS, nodePrimitives)),
    );
    expect(one?.digest).toBe(two?.digest);
  });

  it("is one person's word: two signatures are none", async () => {
    expect(await codeOf(await cosignDsse(await signRequestApproval(APPROVAL, ADA), BEN))).toBe(
      "policy/bad-signature",
    );
  });

  it.each([
    [
      "a key that nobody knows",
      () => signRequestApproval(APPROVAL, createEd25519Signer("ada", generateEd25519Pem())),
    ],
    ["another type", () => signDsse("application/other", encodeRequestApproval(APPROVAL), ADA)],
    ["another version", () => signedText((text) => text.replace('"v":1', '"v":2'))],
    ["another act", () => signedText((text) => text.replace("approve-request", "activate"))],
    ["one member more", () => signedText((text) => text.replace('"v":1', '"v":1,"x":1'))],
    ["a member twice", () => signedText((text) => text.replace('"v":1', '"v":1,"v":1'))],
    ["spaces", () => signedText((text) => `${text} `)],
    ["a moment that is none", () => signedText((text) => text.replace("1795000000", "-1"))],
    ["a guest that is none", () => signedText((text) => text.replace("abab", "ABAB"))],
    ["an operation that nobody approves", () => signedText((text) => text.replace('"release"', '"write"'))],
  ])("is refused with %s", async (_name, envelope) => {
    expect(await codeOf(await envelope())).toBe("policy/bad-signature");
  });

  it("never crashes on any envelope", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        expect(await codeOf(text)).toBe("policy/bad-signature");
      }),
    );
    const payloads = fc.uint8Array().map((bytes) => ({ payload: base64UrlOf(bytes) }));
    await fc.assert(
      fc.asyncProperty(payloads, async ({ payload }) => {
        const envelope = JSON.stringify({
          payload,
          payloadType: TYPE,
          signatures: [{ keyid: "ada", sig: "" }],
        });
        expect(await codeOf(envelope)).toBe("policy/bad-signature");
      }),
    );
  });

  it("is for a request in which every member counts", () => {
    const digest = (changes: Partial<RequestApproval>) =>
      requestDigest({ ...APPROVAL, ...changes }, nodePrimitives.digest);
    const others: readonly Partial<RequestApproval>[] = [
      {},
      { resource: "prod/db1/luk" },
      { op: "derive" },
      { report: "ac".repeat(32) },
      { channel: "ra-tls" },
      { audience: "https://broker.example2" },
    ];
    expect(new Set(others.map(digest)).size).toBe(others.length);
    expect(digest({ at: 1 })).toBe(digest({}));
  });
});

describe("the people of a group", () => {
  it("counts people, not keys, each in every group of theirs", () => {
    const two = adminOf(BEN, { person: "ada", owns: ["oncall", "commander"] });
    const counted = countPeople([adminOf(ADA), two, adminOf(ADA)], ["commander", "oncall", "nobody"]);
    expect([...counted]).toEqual([
      ["commander", 1],
      ["oncall", 1],
      ["nobody", 0],
    ]);
  });

  it("are those that guards and policies about the resource count, wherever in a condition they stand", () => {
    const text = `writ 1
module acme.test version 1.0.0 { owner "ops@acme.example" }
guard careful { for resource "prod/**" deny when approvals from "never" >= 9 because "no" }
policy some { for resource "prod/db/*" allow "a" when any { approvals from "b" >= 1, not approvals from "a" < 2 } }
policy none { for resource "test/**" allow "a" when request.op == release }
`;
    const tar = packBundle([{ path: "a.writ", text: utf8(text) }], undefined, nodePrimitives.digest);
    const { program } = loadBundle(tar, nodePrimitives.digest);
    const asked = ["prod/db/x", "prod/y", "test/x", "prod/../db/x"].map((path) =>
      approvalGroups(program, path),
    );
    expect(asked).toEqual([["a", "b", "never"], ["never"], [], []]);
  });
});

async function signedText(change: (text: string) => string): Promise<string> {
  const text = new TextDecoder().decode(encodeRequestApproval(APPROVAL));
  return signDsse(TYPE, utf8(change(text)), ADA);
}
