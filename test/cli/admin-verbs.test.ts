import { createPublicKey } from "node:crypto";
import { exportJWK, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Command, ExitStatus } from "../../src/cli/command.ts";
import { createAdminCommand } from "../../src/cli/commands/admin.ts";
import { createAudienceCommand } from "../../src/cli/commands/audience.ts";
import { createKekCommand } from "../../src/cli/commands/kek.ts";
import { createPolicyCommand } from "../../src/cli/commands/policy.ts";
import { createSecretCommand } from "../../src/cli/commands/secret.ts";
import { createTokenCommand } from "../../src/cli/commands/token.ts";
import { kekRing } from "../../src/kek/ring.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { nodeSealing } from "../../src/runtime/node/sealing.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import type { PolicyReview } from "../../src/wire/governance-messages.ts";
import { commitOf } from "../contract/store/examples.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand, memoryKek } from "../http/broker-at-hand.ts";
import { type PersonAtHand, peopleAtHand } from "../http/people-at-hand.ts";
import { attemptOf, guestBroker, post } from "../pipeline/guest-at-hand.ts";
import { forger } from "../support/openid-forger.ts";
import { runCommand, sessionOf } from "./command-run.ts";

type Files = Readonly<Record<string, string>>;

async function run(command: Command, words: readonly string[], files: Files = {}) {
  const written = new Map<string, Uint8Array>();
  const ended = await runCommand(command, words, {
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) throw new Fault("file/unusable", `no file \`${path}\``);
      return utf8(text);
    },
    writeFile: async (path, bytes) => void written.set(path, bytes),
  });
  return { ...ended, written };
}

const notHere = async () => {
  throw new Fault("file/unusable", "no test here divides a key, or gives one to a device");
};
const noOthers = { splitKeyFile: notHere, makeTokenKey: notHere, sealKeyFile: notHere };

function verbsOf(broker: BrokerAtHand) {
  const open = sessionOf(broker);
  const nobodySignsIn = () => Promise.reject(new Error("nobody signs in here"));
  const secret = createSecretCommand(open, nodeSealing);
  const policy = createPolicyCommand({ open, digest: nodePrimitives.digest });
  return {
    secret: (words: string, files?: Files) => run(secret, words.split(" "), files),
    policy: (words: string, files?: Files) => run(policy, words.split(" "), files),
    admin: (words: string, files?: Files) =>
      run(createAdminCommand(open, nobodySignsIn), words.split(" "), files),
    audience: (words: string) => run(createAudienceCommand(open), words.split(" ")),
    kek: (words: string, createKey = async (_path: string) => {}) =>
      run(createKekCommand({ open, createKey, ...noOthers }), words.split(" ")),
    token: (words: string, files?: Files) => run(createTokenCommand(open), words.split(" "), files),
  };
}

describe("ostiary kek", () => {
  it.each([
    "seal kek.key --out x --pcrs 24",
    "seal kek.key --out x --pcrs 7,7",
    "seal kek.key --out x --pcrs ,",
    "seal kek.key",
    "rotate --module /m.so --token t --key k",
    "rotate --module /m.so --token t --key k --pin-file p --kind rsa",
    "rotate FILE --module /m.so --token t --key k --pin-file p",
    "toString",
  ])("asks no device for `%s`", async (words) => {
    expect((await verbsOf(brokerAtHand()).kek(words)).status).toBe(2);
  });

  it("shows which key wraps, brings everything under it, and says so", async () => {
    const broker = brokerAtHand(({ kek }) => ({ kek: kekRing(memoryKek("memory:new"), [kek]) }));
    const { kek, secret } = verbsOf(broker);
    await secret("put prod/disk", { "-": "planted" });
    const shown = await kek("show");
    expect(shown.out).toMatch(/^wraps +memory:new\nopens +memory:test\nunder other keys +0 versions\n$/);
    expect(await kek("migrate")).toMatchObject({
      status: 0,
      out: "0 versions wrapped anew; everything lies under memory:new\n",
    });
    expect(JSON.parse((await kek("migrate --json")).out)).toEqual({
      id: "memory:new",
      also: ["memory:test"],
      left: 0,
      rewrapped: 0,
    });
    expect(JSON.parse((await kek("show --json")).out)).toEqual({
      id: "memory:new",
      also: ["memory:test"],
      left: 0,
    });
  });

  it("counts what it wrapped over all pages, and ends with 1 while another broker wraps under another key", async () => {
    const broker = brokerAtHand(({ kek }) => ({ kek: kekRing(memoryKek("memory:new"), [kek]) }));
    const stale = brokerAtHand(() => ({ store: broker.world.store, kek: memoryKek("memory:third") }));
    const { kek } = verbsOf(broker);
    const seen: unknown[] = [];
    const rewrapUnderRootKey: BrokerAtHand["admin"]["rewrapUnderRootKey"] = async (after) => {
      seen.push(after);
      const page = await broker.admin.rewrapUnderRootKey(after);
      return seen.length === 1
        ? { rewrapped: 3, next: { path: "a", version: 1 } }
        : { id: "memory:new", also: [], rewrapped: page.rewrapped, left: 2 };
    };
    const admin = { ...broker.admin, rewrapUnderRootKey };
    const ended = await verbsOf({ ...broker, admin }).kek("migrate");
    expect(ended.status).toBe(1);
    expect(ended.out).toMatch(/^3 versions wrapped anew; 2 came meanwhile under another key/);
    expect(seen).toEqual([undefined, { path: "a", version: 1 }]);
    await verbsOf(stale).secret("put prod/late", { "-": "planted" });
    expect((await kek("migrate")).status).not.toBe(0);
  });

  it("makes a new key where it is told to, without any broker, and refuses what is no verb", async () => {
    const { kek } = verbsOf(brokerAtHand());
    const made: string[] = [];
    const { status, out } = await kek("rotate new.key", async (path) => void made.push(path));
    expect([status, made]).toEqual([0, ["new.key"]]);
    expect(out).toContain('[[kek.also]]\nfile = "new.key"\n');
    for (const words of ["rotate", "rotate a b", "unwrap", "show x", "migrate x"]) {
      expect((await kek(words)).status, words).toBe(2);
    }
  });
});

describe("ostiary secret", () => {
  it("takes plaintext from standard input or a file, and prints none of it", async () => {
    const { secret } = verbsOf(brokerAtHand());
    const first = await secret("put prod/disk", { "-": "planted" });
    expect(first).toMatchObject({ status: 0, out: "prod/disk version 1 enabled\n" });
    const second = await secret("put prod/disk --file key.bin --json", { "key.bin": "planted" });
    expect(JSON.parse(second.out)).toMatchObject({ path: "prod/disk", version: 2, kind: "static" });
    const shown = await secret("show prod/disk");
    expect(shown.out.split("\n")[1]).toMatch(/^prod\/disk {2}2 {8}enabled/);
    expect(first.out + second.out + shown.out).not.toContain("planted");
  });

  it("refuses plaintext as an argument", async () => {
    const { secret } = verbsOf(brokerAtHand());
    expect((await secret("put prod/disk planted")).status).toBe(2);
    expect((await secret("list")).out).toBe("no secrets\n");
  });

  it("generates, rotates, disables, enables and destroys", async () => {
    const { secret } = verbsOf(brokerAtHand());
    expect((await secret("generate prod/key --size 64")).status).toBe(0);
    expect((await secret("rotate prod/key")).out).toBe("prod/key version 2 enabled\n");
    expect((await secret("disable prod/key --version 1")).out).toMatch(/1 +disabled/);
    expect((await secret("enable prod/key --version 1")).out).toMatch(/1 +enabled/);
    const destroyed = await secret("destroy prod/key --version 1 --now --json");
    expect(JSON.parse(destroyed.out).secrets[1]).toMatchObject({ version: 1, state: "destroyed" });
    expect((await secret("list --json")).out).toContain('"version":2');
    const bound = await secret("bindings prod/key tls-exporter ra-tls");
    expect(bound.out).toMatch(/released over ra-tls, tls-exporter only\n$/);
    expect((await secret("show prod/key")).out).toContain("released over ra-tls, tls-exporter only");
    for (const words of ["bindings prod/key", "bindings", "bindings prod/key kbs"]) {
      expect((await secret(words)).status).toBe(2);
    }
  });

  it("makes keys by recipe, prints their public halves, and rotates by the same recipe", async () => {
    const { secret } = verbsOf(brokerAtHand());
    await secret("generate prod/sign --make p-384");
    expect((await secret("show prod/sign")).out).toMatch(/1 +enabled +p-384/);
    const { out } = await secret("public prod/sign");
    expect(createPublicKey(out).asymmetricKeyDetails?.namedCurve).toBe("secp384r1");
    await secret("rotate prod/sign");
    expect((await secret("show prod/sign")).out).toMatch(/2 +enabled +p-384/);
    expect((await secret("public prod/sign")).out).not.toBe(out);
    expect((await secret("public prod/sign --version 1")).out).toBe(out);
    await secret("generate prod/disk --make aes-256-xts");
    expect((await secret("public prod/disk")).status).toBe(1);
  });

  it("makes a root to derive from, by fields of a report", async () => {
    const { secret } = verbsOf(brokerAtHand());
    expect((await secret("derive prod/seed --by measurement --by report.chip_id --size 64")).status).toBe(0);
    expect((await secret("show prod/seed")).out).toContain("derived:64:report.chip_id,measurement");
    expect((await secret("rotate prod/seed")).out).toBe("prod/seed version 2 enabled\n");
    for (const [words, status] of [
      ["derive prod/seed --by measurement", 1],
      ["derive a", 2],
      ["derive a --by report.id", 2],
      ["derive a --by measurement --by measurement", 1],
      ["derive a --by measurement --size 8", 1],
      ["rotate prod/seed --make aes-256", 1],
    ] as const) {
      expect((await secret(words)).status, words).toBe(status);
    }
  });

  it("condemns for seven days unless told otherwise, and `enable` takes it back", async () => {
    const { secret } = verbsOf(brokerAtHand());
    await secret("generate prod/key");
    const condemned = JSON.parse((await secret("destroy prod/key --version 1 --json")).out).secrets[0];
    expect(condemned.state).toBe("condemned");
    expect(Date.parse(condemned.destroyAt) - Date.parse(condemned.createdAt)).toBe(7 * 86_400_000);
    expect((await secret("destroy prod/key --version 1 --after 2h")).out).toMatch(/condemned until 20/);
    expect((await secret("enable prod/key --version 1")).out).toMatch(/1 +enabled/);
    expect((await secret("destroy prod/key --version 1 --after 2h --now")).status).toBe(2);
  });

  it("shows who holds which version", async () => {
    const broker = brokerAtHand();
    const { secret } = verbsOf(broker);
    await secret("generate prod/key");
    expect((await secret("readers prod/key")).out).toBe("nobody has read it\n");
    const items = [{ resource: "prod/key", uses: [], reads: 1 }];
    await broker.world.store.commitDecisions([commitOf({ items, reportId: "ab".repeat(32) })]);
    const { out } = await secret("readers prod/key");
    expect(out).toMatch(/\n1 +(?:ab){32} .* no\nversion 1 is held by 1\n$/);
    expect((await secret("readers prod/key --version 2")).status).toBe(1);
    expect(JSON.parse((await secret("readers prod/key --version 1 --json")).out).holding).toHaveLength(1);
    expect((await secret("destroy prod/key --version 1")).status).toBe(1);
    expect((await secret("destroy prod/key --version 1 --despite 1")).status).toBe(0);
  });

  it("sets what holds for the secret as a whole, and shows it", async () => {
    const { secret } = verbsOf(brokerAtHand());
    await secret("generate prod/key");
    await secret("rotate prod/key");
    const set = await secret(
      "set prod/key --current 2 --minimum 2 --rotate-every 90d --retire yes --owner storage --label a=1 --label b=x=y",
    );
    for (const line of [
      "current version 2",
      "no version below 2 is released",
      "rotated every 7776000 s",
      "old versions retire once nobody holds them",
      "owner storage",
      "label a=1",
      "label b=x=y",
    ]) {
      expect(set.out).toContain(`\n${line}\n`);
    }
    const back = await secret("set prod/key --current newest --rotate-every never");
    expect(back.out).not.toMatch(/current|rotated/);
    expect(back.out).toContain("owner storage");
  });

  const statuses: readonly (readonly [string, ExitStatus])[] = [
    ["", 2],
    ["steal prod/disk", 2],
    ["put", 2],
    ["put a --file", 2],
    ["put a --plaintext x", 2],
    ["generate a --size 0", 2],
    ["generate a --size 8", 1],
    ["generate a --make des", 2],
    ["generate a --make aes-256 --size 32", 2],
    ["destroy a --version 1 --after 7", 2],
    ["destroy a --version 1 --after 1w", 2],
    ["set a", 2],
    ["set a --label x", 2],
    ["set a --retire maybe", 2],
    ["readers a", 1],
    ["destroy a --version 1 --despite 0", 2],
    ["set a --minimum 0", 2],
    ["set a --owner x", 1],
    ["public a", 1],
    ["disable a", 2],
    ["disable a --version 1", 1],
    ["show no/such", 1],
    ["show a//b", 1],
    ["put a --file nowhere", 3],
  ];
  it.each(statuses)("ends `secret %s` with status %i", async (words, status) => {
    expect((await verbsOf(brokerAtHand()).secret(words)).status).toBe(status);
  });

  it("ends with status 3 where no broker answers", async () => {
    const broker = brokerAtHand();
    const unreachable = async () => {
      throw new Fault("broker/unreachable", "nobody there");
    };
    const { secret } = verbsOf({ ...broker, admin: { ...broker.admin, listSecrets: unreachable } });
    expect((await secret("list")).status).toBe(3);
  });
});

describe("ostiary admin", () => {
  const pem = (spki: Uint8Array) =>
    `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spki).toString("base64")}\n-----END PUBLIC KEY-----\n`;
  const bob = createEd25519Signer("bob", generateEd25519Pem());
  const files = { "bob.pem": pem(bob.spki), "none.pem": "no key" };

  it("adds an admin who is listed then, and removes them", async () => {
    const { admin } = verbsOf(brokerAtHand());
    const words = "add bob --public bob.pem --role author --role auditor --under prod/db --person robert";
    expect((await admin(words, files)).out).toMatch(/\nbob +robert +author auditor +prod\/db\n/);
    expect(JSON.parse((await admin("list --json")).out)).toMatchObject({ serial: 1, rootThreshold: 1 });
    expect((await admin("remove bob")).out).not.toContain("robert");
    expect((await admin("list")).out).toContain("warning: one admin alone may change what is released");
  });

  it("keeps a statement for others to sign, says what it does, and sends it with the last signature", async () => {
    const broker = brokerAtHand();
    const { admin } = verbsOf(broker);
    const kept = await admin("add bob --public bob.pem --role auditor --to change.json", files);
    expect(kept.out).toBe("signed in change.json; next: ostiary admin sign change.json --send\n");
    expect(await broker.world.store.rosterChanges()).toEqual([]);
    const statement = new TextDecoder().decode(kept.written.get("change.json"));
    const sent = await admin("sign change.json --send", { "change.json": statement });
    expect(sent.out).toMatch(/\nbob +bob +auditor +every path\n/);
    expect(sent.err).toBe("adds bob of bob: auditor; every path; owns nothing\n");
  });

  const ACCOUNT = "--issuer https://idp.example --subject 248289761001 --person ada --role auditor";

  it("adds an account of a provider that the broker has, lists it, and removes it", async () => {
    const { admin } = verbsOf(brokerAtHand(() => ({ identity: forger().identity })));
    const { out } = await admin(`add ada-sso ${ACCOUNT} --under prod/db`);
    expect(out).toMatch(/\nada-sso +ada +auditor +prod\/db +https:\/\/idp.example 248289761001\n/);
    expect(JSON.parse((await admin("list --json")).out).accounts).toMatchObject([
      { kid: "ada-sso", key: { type: "oidc", issuer: "https://idp.example", subject: "248289761001" } },
    ]);
    expect((await admin("remove ada-sso")).out).not.toContain("248289761001");
  });

  it.each([
    [`add ada-sso ${ACCOUNT}`, 1],
    [`add ada-sso ${ACCOUNT} --role author`, 2],
    [`add ada-sso ${ACCOUNT} --owns root`, 2],
    [`add ada-sso ${ACCOUNT} --public bob.pem`, 2],
    ["add ada-sso --issuer https://idp.example --role auditor", 2],
    ["add ada-sso --subject 1 --role auditor", 2],
    ["add ada-sso --issuer http://idp.example --subject 1", 2],
    ["login", 2],
    ["login --session s --key k.pem", 2],
    ["login --session s --port 65536", 2],
  ])("adds no account, and signs nobody in, by `%s`", async (words, status) => {
    expect((await verbsOf(brokerAtHand()).admin(words)).status).toBe(status);
  });

  it.each([
    ["", 2],
    ["give bob", 2],
    ["add bob", 2],
    ["add", 2],
    ["add b/b --public bob.pem", 2],
    ["add bob --public bob.pem --role god", 2],
    ["add bob --public bob.pem --under prod/**", 2],
    ["add bob --public none.pem", 3],
    ["add bob --public bob.pem --owns nobody", 1],
    ["add admin-1 --public bob.pem", 1],
    ["remove bob", 1],
    ["remove admin-1", 1],
    ["sign bob.pem", 1],
    ["sign nowhere", 3],
  ])("ends `admin %s` with status %i", async (words, status) => {
    expect((await verbsOf(brokerAtHand()).admin(words, files)).status).toBe(status);
  });
});

describe("ostiary audience", () => {
  it("adds, lists and removes, and says which tokens are bound to nothing", async () => {
    const { audience } = verbsOf(brokerAtHand());
    expect((await audience("list")).out).toBe("no audiences\n");
    const added = await audience("add sts --aud https://sts.example");
    expect(added).toMatchObject({ status: 0, out: "token/sts is for https://sts.example\n" });
    const bearer = await audience("add cloud --aud urn:cloud --bearer --json");
    expect(JSON.parse(bearer.out)).toMatchObject({ name: "cloud", aud: "urn:cloud", bearer: true });
    const lines = (await audience("list")).out.split("\n");
    expect(lines[1]).toMatch(/^cloud +urn:cloud +nothing \(bearer\)/);
    expect(lines[2]).toMatch(/^sts +https:\/\/sts.example +the guest's key/);
    expect(JSON.parse((await audience("remove cloud --json")).out).audiences).toHaveLength(1);
  });

  const statuses: readonly (readonly [string, ExitStatus])[] = [
    ["", 2],
    ["steal sts", 2],
    ["add sts", 2],
    ["add sts --aud", 2],
    ["add --aud urn:a", 2],
    ["add a/b --aud urn:a", 1],
    ["list more", 2],
    ["remove none", 1],
  ];
  it.each(statuses)("ends `audience %s` with status %i", async (words, status) => {
    expect((await verbsOf(brokerAtHand()).audience(words)).status).toBe(status);
  });
});

describe("ostiary token", () => {
  it("shows the keys and makes the next one", async () => {
    const { token } = verbsOf(brokerAtHand());
    expect((await token("keys")).out.split("\n")[1]).toMatch(/^[\w-]{43} .* signs +broker$/);
    const rotated = (await token("rotate")).out.split("\n");
    expect(rotated[2]).toMatch(/ published +admin-1$/);
    expect((await token("rotate")).status).toBe(1);
    const { keys } = JSON.parse((await token("rotate --withdraw --json")).out);
    expect(keys).toEqual([expect.objectContaining({ current: true, createdBy: "admin-1" })]);
    expect((await token("")).status).toBe(2);
    expect((await token("keys now")).status).toBe(2);
  });

  const statuses: readonly (readonly [string, ExitStatus])[] = [
    ["revoke", 2],
    ["revoke 01JD0000000000000000000000", 1],
    ["revoke no-id", 1],
    ["introspect a-token", 2],
    ["introspect --file nowhere", 3],
    ["introspect", 1],
  ];
  it.each(statuses)("ends `token %s` with status %i", async (words, status) => {
    expect((await verbsOf(brokerAtHand()).token(words, { "-": "no.token.here" })).status).toBe(status);
  });

  it("says of a token whether it counts, and that it counts no more once its decision is revoked", async () => {
    const broker = await guestBroker();
    const { x = "", y = "" } = await exportJWK((await generateKeyPair("ES256")).publicKey);
    const claims = { want: [], cnf: { kty: "EC", crv: "P-256", x, y } } as const;
    const answer = await post(broker, "/v1/attest", (await attemptOf(broker, { claims })).body);
    const attested = decodeAttestAnswer(new Uint8Array(await answer.arrayBuffer()));
    const { token } = verbsOf(broker);
    const files = { "-": `${attested.token}\n` };
    const active = await token("introspect", files);
    expect(active.status).toBe(0);
    expect(active.out).toMatch(new RegExp(`^active +DPoP\n(.*\n)*decision +${attested.decision}\n`));
    expect((await token(`revoke ${attested.decision}`)).out).toContain("count no more");
    expect(await token("introspect", files)).toMatchObject({ status: 1, out: "inactive\n" });
    expect((await token("introspect --json", files)).out).toBe('{"active":false}\n');
  });
});

const POLICY = `writ 1
module acme.disks version 1.0.0 { owner "ops@acme.example" }

policy root-disk "The root disk" {
  for resource "prod/disk"
  require vmpl == 0
  allow "any guest" when vmpl == 0
}
`;

describe("ostiary policy", () => {
  it("proposes sources, activates them by the first digits of their digest, lists and shows them", async () => {
    const { policy } = verbsOf(brokerAtHand());
    const files = { "policies/disks.writ": POLICY };
    const proposed = await policy("propose policies/disks.writ --json", files);
    expect(proposed.status).toBe(0);
    const { digest } = JSON.parse(proposed.out);
    expect((await policy("propose policies/disks.writ", files)).out).toContain(`already proposed ${digest}`);
    const activated = await policy(`activate ${digest.slice(0, 8)}`);
    expect(activated).toMatchObject({ status: 0, out: `live: ${digest} (activation 1)\n` });
    expect((await policy("list")).out).toMatch(new RegExp(`^live  ${digest}`, "m"));
    const shown = await policy(`show ${digest}`);
    expect(shown.out).toContain("acme.disks 1.0.0");
    expect(shown.out).toContain("require vmpl == 0");
  });

  it("makes the next bundle follow the live one", async () => {
    const { policy } = verbsOf(brokerAtHand());
    const next = POLICY.replace("1.0.0", "1.0.1");
    for (const [text, serial] of [
      [POLICY, 1],
      [next, 2],
    ] as const) {
      const { out } = await policy("propose disks.writ --json", { "disks.writ": text });
      const activated = await policy(`activate ${JSON.parse(out).digest} --json`);
      expect(JSON.parse(activated.out)).toMatchObject({ serial });
    }
  });

  const statuses: readonly (readonly [string, ExitStatus])[] = [
    ["", 2],
    ["propose", 2],
    ["propose nowhere.writ", 3],
    ["propose ../secret.writ --root .", 2],
    ["propose broken.writ", 1],
    ["activate", 2],
    ["activate xyz", 2],
    ["activate 00000000", 1],
    ["show 00000000", 1],
    ["rollback", 2],
  ];
  it.each(statuses)("ends `policy %s` with status %i", async (words, status) => {
    const files = { "broken.writ": "writ 1\npolicy {", "../secret.writ": POLICY };
    expect((await verbsOf(brokerAtHand()).policy(words, files)).status).toBe(status);
  });
});

describe("ostiary policy, with people who have to agree", () => {
  const WIDER = POLICY.replaceAll("vmpl == 0", "vmpl <= 1").replace("1.0.0", "2.0.0");

  function team() {
    const people = peopleAtHand({ approvals: 1 });
    const verbsAs = ({ admin, signer }: PersonAtHand) => {
      const { now } = people.broker.world;
      const open = async () => ({ client: admin, signer, audience: AUDIENCE, url: AUDIENCE, now });
      const policy = createPolicyCommand({ open, digest: nodePrimitives.digest });
      return (words: string, files?: Files) => run(policy, words.split(" "), files);
    };
    const ada = people.add({ kid: "ada", roles: ["author"], owns: ["root"] });
    const ben = people.add({ kid: "ben", roles: ["approver"] });
    return { ada: verbsAs(ada), ben: verbsAs(ben), admin: ada.admin };
  }

  it("goes from a diff to a proposal, a review, an approval, and back", async () => {
    const { ada, ben } = team();
    const files = { "a.writ": POLICY };
    const diff = await ada("diff a.writ", files);
    expect(diff).toMatchObject({ status: 1 });
    expect(diff.out).toContain("newly allowed, for example:");
    const { digest } = JSON.parse((await ada("propose a.writ --json", files)).out);
    expect((await ada("propose a.writ", files)).out).toMatch(
      /: widens what is allowed\nnext: ostiary policy review/,
    );
    expect((await ada(`activate ${digest}`)).status).toBe(1);
    const review = await ben(`review ${digest}`);
    expect(review.status).toBe(1);
    for (const shown of ["by ada\n", "newly allowed", "0 of 1 approvers approved", "policy approve"]) {
      expect(review.out).toContain(shown);
    }
    const approved = await ben(`approve ${digest} --valid 1h`);
    expect(approved.out).toMatch(
      /approve by ben at .*, until .*\n1 of 1 approvers approved: ben\nnobody else has/,
    );
    expect(JSON.parse((await ben(`review ${digest} --json`)).out)).toMatchObject({
      approved: true,
      finding: "widens",
    });
    expect((await ada(`activate ${digest}`)).out).toBe(`live: ${digest} (activation 1)\n`);
    const wider = JSON.parse((await ada("propose a.writ --json", { "a.writ": WIDER })).out).digest;
    await ben(`approve ${wider}`);
    await ada(`activate ${wider}`);
    const back = await ada(`rollback ${digest}`);
    expect(back).toMatchObject({ status: 0 });
    expect(back.out).toMatch(/^live: [0-9a-f]{64} \(activation 3\)\n$/);
    const again = await ada(`rollback ${wider}`);
    expect(again.status).toBe(1);
    expect(again.out).toMatch(/^proposed [0-9a-f]{64}\n0 of 1 approvers approved\n/);
  });

  it("takes a no, and tells who said it", async () => {
    const { ada, ben } = team();
    const { digest } = JSON.parse((await ada("propose a.writ --json", { "a.writ": POLICY })).out);
    expect((await ben(`approve ${digest} --reject`)).out).toContain("rejected by ben\n");
    expect((await ada(`activate ${digest}`)).status).toBe(1);
  });

  it("signs nothing where the broker says otherwise of a change than its sources do", async () => {
    const { ada, ben, admin } = team();
    const { digest } = JSON.parse((await ada("propose a.writ --json", { "a.writ": POLICY })).out);
    const honest = await admin.reviewBundle(digest);
    const told: PolicyReview = { ...honest, finding: "narrows" };
    const detail = await admin.showBundle(digest);
    const other = { ...detail, sources: detail.sources.map((one) => ({ ...one, text: `${one.text}# \n` })) };
    let sent = 0;
    const lying = (change: Partial<BrokerAtHand["admin"]>) => {
      const client = {
        ...admin,
        ...change,
        approveBundle: async () => {
          sent += 1;
          return honest;
        },
      };
      const open = async () => ({
        client,
        signer: createEd25519Signer("ben", generateEd25519Pem()),
        audience: AUDIENCE,
        url: AUDIENCE,
        now: brokerAtHand().world.now,
      });
      const command = createPolicyCommand({ open, digest: nodePrimitives.digest });
      return run(command, ["approve", digest]);
    };
    expect((await lying({ reviewBundle: async () => told })).status).toBe(1);
    expect((await lying({ showBundle: async () => other })).status).toBe(1);
    expect(sent).toBe(0);
    expect((await lying({})).status).toBe(0);
    expect((await ben("approve 0000")).status).toBe(1);
  });
});
