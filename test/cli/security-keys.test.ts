/** Can somebody with a security key be brought in, and sign, from the command line? With what the page gave, and nothing that is not for this broker. */
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import type { OpenAdminSession } from "../../src/cli/admin-session.ts";
import { type Command, exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { createAdminCommand } from "../../src/cli/commands/admin.ts";
import { createPolicyCommand } from "../../src/cli/commands/policy.ts";
import { securityKeySigner } from "../../src/cli/security-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { type PersonAtHand, peopleAtHand } from "../http/people-at-hand.ts";
import {
  type AssertionJson,
  BE,
  BS,
  type Deviation,
  PAGE,
  RP_ID,
  securityKey,
  UP,
  UV,
} from "../support/security-key.ts";

type Files = Record<string, string>;
/** What is at hand of a file: its text, or what somebody makes of what was said until then. */
type Answering = (said: string) => string;

function terminalOf(files: Files, answering: Answering) {
  const said = { out: "", err: "" };
  const terminal: Terminal = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    isTty: false,
    readFile: async (path) => {
      if (path === "-") return utf8(answering(said.err));
      const text = files[path];
      if (text === undefined) throw new Fault("file/unusable", `no file \`${path}\``);
      return utf8(text);
    },
    writeFile: async () => undefined,
  };
  return { terminal, said };
}

/** Ada asks with the key of a file; Ben approves with a security key. */
function team() {
  const people = peopleAtHand({ approvals: 1 });
  const { world } = people.broker;
  Object.assign(world.settings, { webauthn: { origin: PAGE, rpId: RP_ID } });
  const key = securityKey();
  const ada = people.add({ kid: "ada", roles: ["author", "operator", "approver"], owns: ["root"] });
  people.add({ kid: "ben", roles: ["approver"], key });
  const openFor =
    (person: PersonAtHand, terminal: Terminal): OpenAdminSession =>
    async ({ securityKey: name, answer: answers = "-" }) => {
      const { admin: client } = person;
      const edges = { client, terminal, primitives: nodePrimitives, answers };
      const signer = name === undefined ? person.signer : await securityKeySigner(name, edges);
      return { client, signer, audience: AUDIENCE, url: AUDIENCE, now: world.now };
    };
  const run = async (words: readonly string[], files: Files = {}, answering: Answering = () => "") => {
    const { terminal, said } = terminalOf(files, answering);
    const open = openFor(ada, terminal);
    const verbs: Record<string, Command> = {
      admin: createAdminCommand(open, () => Promise.reject(new Error("nobody signs in here"))),
      policy: createPolicyCommand({ open, digest: nodePrimitives.digest }),
    };
    const [verb = "", ...rest] = words;
    try {
      return { status: await verbs[verb]?.run(rest, terminal), ...said };
    } catch (thrown) {
      const code = thrown instanceof Fault ? thrown.code : undefined;
      return { status: exitStatusOf(thrown, (fault) => FAULT_CODES[fault.code].status), code, ...said };
    }
  };
  return { people, key, ada, run };
}

const add = ["admin", "add", "dan", "--registration", "dan.json", "--role", "auditor"];

describe("ostiary admin add --registration", () => {
  it.each(["ES256", "EdDSA"] as const)(
    "brings in a security key of %s, and says what nothing proves",
    async (kind) => {
      const { run, ada } = team();
      const key = securityKey(kind);
      const { status, err } = await run(add, { "dan.json": JSON.stringify(key.registration()) });
      expect(status).toBe(0);
      expect(err).toBe("model 07070707-0707-0707-0707-070707070707, which nothing proves\n");
      const { admins } = await ada.admin.listAdmins();
      expect(admins.at(-1)).toMatchObject({ kid: "dan", webauthn: key.webauthn });
      expect(Buffer.from(admins.at(-1)?.spki ?? "").equals(key.spki)).toBe(true);
    },
  );

  it("says that a key is also elsewhere", async () => {
    const registration = securityKey().registration({ flags: UP | UV | BE | BS });
    expect((await team().run(add, { "dan.json": JSON.stringify(registration) })).err).toContain(
      "also elsewhere",
    );
  });

  it.each<readonly [string, () => object | string]>([
    ["another page", () => securityKey("ES256", { origin: "https://evil.broker.example" }).registration()],
    ["another domain", () => securityKey().registration({ rpId: "evil.example" })],
    ["nobody whom the key knows", () => securityKey().registration({ flags: UP })],
    ["nobody who touched it", () => securityKey().registration({ flags: UV })],
    [
      "an assertion instead",
      () => securityKey().registration({ clientData: (good) => ({ ...good, type: "webauthn.get" }) }),
    ],
    ["no credential", () => ({ id: "AAAA", rawId: "AAAA", type: "public-key", response: {} })],
    ["a list", () => []],
    ["no JSON", () => "registration"],
    [
      "a key that is cut off",
      () =>
        JSON.stringify(securityKey().registration()).replace(
          /attestationObject":".{200}/,
          'attestationObject":"',
        ),
    ],
  ])("takes no registration with %s", async (_name, made) => {
    const registration = made();
    const text = typeof registration === "string" ? registration : JSON.stringify(registration);
    const { run, ada } = team();
    expect(await run(add, { "dan.json": text })).toMatchObject({ status: 3, code: "file/unusable" });
    expect((await ada.admin.listAdmins()).admins).toHaveLength(2);
  });

  it("wants one key, of a file or of a security key", async () => {
    const { run } = team();
    expect((await run([...add, "--public", "x.pem"])).status).toBe(2);
    expect((await run(["admin", "add", "dan"])).status).toBe(2);
  });
});

const POLICY = `writ 1
module acme.test version 1.0.0 { owner "ops@acme.example" }
policy disks {
  for resource "prod/**"
  require not guest.debug
  allow "boot" when request.op == release
}
`;

async function proposed({ run, ada }: ReturnType<typeof team>): Promise<string> {
  expect((await run(["policy", "propose", "test.writ"], { "test.writ": POLICY })).status).toBe(0);
  return (await ada.admin.listBundles()).bundles[0]?.digest ?? "";
}

const challengeIn = (said: string) => Buffer.from(/challenge (\S+)/.exec(said)?.[1] ?? "", "base64url");

describe("--security-key", () => {
  it("names page, payload and digest, and sends what the key answered", async () => {
    const people = team();
    const digest = await proposed(people);
    const approve = ["policy", "approve", digest, "--security-key", "ben"];
    const { status, out, err } = await people.run(approve, {}, (said) =>
      JSON.stringify(people.key.answer(challengeIn(said))),
    );
    expect(status).toBe(0);
    expect(out).toContain("1 of 1 approvers approved: ben");
    const link = new URL(/open {6}(\S+)/.exec(err)?.[1] ?? "");
    expect(link.href.startsWith(`${PAGE}/admin/key#`)).toBe(true);
    const about = new URLSearchParams(link.hash.slice(1));
    expect(about.get("credential")).toBe(people.key.id.toString("base64url"));
    const signed = Buffer.from(about.get("signs") ?? "", "base64url");
    expect(signed.toString()).toContain(digest);
    expect(people.key.answer(challengeIn(err)).clientDataJSON).toBe(people.key.assert(signed).clientDataJSON);
  });

  it("takes a whole credential as a browser writes it", async () => {
    const people = team();
    const digest = await proposed(people);
    const { status } = await people.run(["policy", "approve", digest, "--security-key", "ben"], {}, (said) =>
      JSON.stringify({ id: "AAAA", type: "public-key", response: people.key.answer(challengeIn(said)) }),
    );
    expect(status).toBe(0);
  });

  it("takes the answer of another program from a file", async () => {
    const people = team();
    const digest = await proposed(people);
    const approve = ["policy", "approve", digest, "--security-key", "ben"];
    const { err } = await people.run(approve); // nobody answers; the clock of this test stands still, so that the statement is the same again
    const files = { "assertion.json": JSON.stringify(people.key.answer(challengeIn(err))) };
    const { status, out } = await people.run([...approve, "--answer", "assertion.json"], files);
    expect(status).toBe(0);
    expect(out).toContain("approved: ben");
  });

  it.each<readonly [string, (good: AssertionJson) => string, Deviation]>([
    ["no JSON", () => "yes", {}],
    ["nothing", () => "", {}],
    ["a member less", ({ signature: _, ...good }) => JSON.stringify(good), {}],
    ["bytes that are no base64url", (good) => JSON.stringify({ ...good, signature: "*" }), {}],
    [
      "a strange page",
      (good) => JSON.stringify(good),
      { clientData: (good) => ({ ...good, origin: "https://evil.example" }) },
    ],
    ["no person", (good) => JSON.stringify(good), { flags: UP }],
  ])("sends nothing on an answer with %s", async (_name, change, deviation) => {
    const people = team();
    const digest = await proposed(people);
    const ended = await people.run(["policy", "approve", digest, "--security-key", "ben"], {}, (said) =>
      change(people.key.answer(challengeIn(said), deviation)),
    );
    expect(ended).toMatchObject({ status: 1, code: "policy/bad-signature" });
    expect((await people.ada.admin.reviewBundle(digest)).statements).toEqual([]);
  });

  it("shows a bundle by its digest alone, and knows whose key it asks", async () => {
    const people = team();
    const long = { "test.writ": POLICY + "# more\n".repeat(1000) };
    const { err } = await people.run(["policy", "propose", "test.writ", "--security-key", "ben"], long);
    expect(err).toMatch(/#name=ben&credential=[\w-]+&challenge=[\w-]{43}\n/);
    for (const name of ["ada", "nobody"]) {
      const { status } = await people.run(["policy", "propose", "test.writ", "--security-key", name], long); // in order
      expect(status).toBe(2);
    }
  });
});
