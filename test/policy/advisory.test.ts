/** Does an advisory say one thing, signed by those who may, and is what contradicts itself or was signed as something else refused? */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import type { Admin } from "../../src/policy/admins.ts";
import {
  type Advisory,
  advisoryIn,
  advisorySigners,
  encodeAdvisory,
  openAdvisory,
  parseAdvisorySource,
  signAdvisory,
} from "../../src/policy/advisory.ts";
import { BUNDLE_TYPE, cosignDsse, signDsse } from "../../src/policy/signatures.ts";
import { ACTIVATION_TYPE } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { advisory, bulletin, figure, PUBLISHED, shippedAdvisory } from "./advisory-at-hand.ts";

const ADA = createEd25519Signer("ada", generateEd25519Pem());
const BEN = createEd25519Signer("ben", generateEd25519Pem());
const OLD = createEd25519Signer("old", generateEd25519Pem());

function adminOf({ kid, spki }: typeof ADA, changes: Partial<Admin> = {}): Admin {
  return { kid, spki, person: kid, roles: ["operator"], under: [], owns: [], ...changes };
}

async function outcomeOf(
  envelope: string,
  admins: readonly Admin[] = [adminOf(ADA), adminOf(BEN)],
  threshold = 1,
): Promise<string> {
  try {
    const opened = await openAdvisory(
      envelope,
      { signers: advisorySigners({ admins }), threshold },
      nodePrimitives,
    );
    return opened.signedBy.join(" ");
  } catch (thrown) {
    return isFault(thrown) ? thrown.code : String(thrown);
  }
}

function codeOfSource(source: unknown): string {
  try {
    parseAdvisorySource(typeof source === "string" ? utf8(source) : utf8(JSON.stringify(source)));
    return "read";
  } catch (thrown) {
    return isFault(thrown) ? thrown.code : String(thrown);
  }
}

const written = (changes: object = {}) => ({ v: 1, ...advisory(), ...changes });
const withBulletin = (changes: object) => written({ bulletins: [{ ...bulletin(), ...changes }] });
const withFigure = (changes: object) =>
  withBulletin({ floors: [{ ...figure("milan", "snp", 24), ...changes }] });

describe("an advisory", () => {
  it("is read as it lies in a file, in any layout, and signed as one form of bytes", () => {
    const pretty = utf8(JSON.stringify(written(), null, 2));
    expect(parseAdvisorySource(pretty)).toEqual(advisory());
    expect(encodeAdvisory(parseAdvisorySource(pretty))).toEqual(encodeAdvisory(advisory()));
  });

  it.each([
    ["another version", written({ v: 2 })],
    ["a member more", written({ note: "x" })],
    ["no serial", { ...written(), serial: undefined }],
    ["a serial of 0", written({ serial: 0 })],
    ["a serial that is no number", written({ serial: "1" })],
    ["a day that there is not", written({ issued: "2026-02-30" })],
    ["a day with its time", written({ issued: "2026-11-01T00:00:00Z" })],
    ["no bulletin", written({ bulletins: [] })],
    ["a bulletin twice", written({ bulletins: [bulletin(), bulletin({ floors: [] })] })],
    ["a number that is none of AMD's", withBulletin({ id: "AMD-SB-30190" })],
    ["a bulletin of somebody else", withBulletin({ id: "INTEL-SA-0001" })],
    ["a CVE that is none", withBulletin({ cves: ["CVE-24-1"] })],
    ["a CVE twice", withBulletin({ cves: ["CVE-2024-56161", "CVE-2024-56161"] })],
    ["a bulletin of a later day", withBulletin({ published: { ...PUBLISHED, date: "2026-11-02" } })],
    ["a day of publication without a source", withBulletin({ published: { date: "2025-02-03" } })],
    ["an unknown line", withFigure({ line: "naples" })],
    ["a product that is no line", withFigure({ line: "bergamo" })],
    ["an unknown component", withFigure({ component: "psp" })],
    ["a member of every object", withFigure({ component: "__proto__" })],
    ["a component that the line has not", withFigure({ component: "fmc" })],
    ["a level above 255", withFigure({ least: 256 })],
    ["a level of 0, which asks nothing", withFigure({ least: 0 })],
    ["a level below 0", withFigure({ least: -1 })],
    ["a level with a fraction", withFigure({ least: 23.5 })],
    ["a level in quotes", withFigure({ least: "24" })],
    ["a grade that nobody knows", withFigure({ sure: "certain" })],
    ["a figure without a source", withFigure({ source: "" })],
    ["text that turns its direction", withBulletin({ title: "safe\u202eelbarenluv" })],
    ["text with a line break", withFigure({ source: "a\nfloor x" })],
    [
      "two figures for one component",
      withBulletin({ floors: [figure("milan", "snp", 24), figure("milan", "snp", 20)] }),
    ],
    [
      "a withdrawal twice",
      written({
        withdrawn: Array(2).fill({ bulletin: "AMD-SB-3034", line: "genoa", component: "snp", why: "w" }),
      }),
    ],
    ["JSON that is none", "{"],
    ["a list", "[]"],
    ["nothing", ""],
    ["depth without end", `{"v":1,"bulletins":${"[".repeat(99)}${"]".repeat(99)}}`],
  ])("is refused with %s", (_what, source) => {
    expect(codeOfSource(source)).toBe("advisory/malformed");
  });

  it("is refused where it is longer than a request may be, before it is read", () => {
    const long = withBulletin({ beyond: Array(32).fill({ lines: ["milan"], says: "x".repeat(500) }) });
    expect(codeOfSource({ ...long, bulletins: Array(20).fill(long.bulletins[0]) })).toBe("request/too-large");
  });

  test.prop([fc.jsonValue()])("of any JSON is a fault and never a crash", (value) => {
    expect(codeOfSource({ v: 1, serial: 1, issued: "2026-11-01", withdrawn: [], bulletins: value })).toMatch(
      /^advisory\/malformed$/,
    );
  });
});

describe("the signature on an advisory", () => {
  it("counts where an operator made it over these bytes, and says what and who", async () => {
    const envelope = await signAdvisory(advisory(), ADA);
    expect(advisoryIn(envelope)).toEqual(advisory());
    expect(await outcomeOf(envelope)).toBe("ada");
  });

  it.each([
    ["of nobody who is known", [adminOf(BEN)]],
    ["of an admin of another role", [adminOf(ADA, { roles: ["author", "approver", "auditor"] })]],
    ["of an operator of some paths alone", [adminOf(ADA, { under: ["prod/db"] })]],
    ["of an admin who was removed since", [adminOf(BEN), adminOf(OLD)]],
  ])("%s counts for nothing", async (_who, admins) => {
    expect(await outcomeOf(await signAdvisory(advisory(), ADA), admins)).toBe("advisory/bad-signature");
  });

  it.each([ACTIVATION_TYPE, BUNDLE_TYPE, "application/vnd.ostiary.roster.v1+json", "application/json"])(
    "over the same bytes as %s is none on an advisory, whatever the envelope says",
    async (type) => {
      const other = await signDsse(type, encodeAdvisory(advisory()), ADA);
      expect(await outcomeOf(other)).toBe("advisory/bad-signature");
      const renamed = JSON.stringify({
        ...JSON.parse(other),
        payloadType: "application/vnd.ostiary.advisory.v1+json",
      });
      expect(await outcomeOf(renamed)).toBe("advisory/bad-signature");
    },
  );

  it("counts people and not keys where it takes two", async () => {
    const one = await signAdvisory(advisory(), ADA);
    const both = await cosignDsse(one, BEN);
    const admins = [adminOf(ADA), adminOf(BEN)];
    expect(await outcomeOf(one, admins, 2)).toBe("advisory/bad-signature");
    expect(await outcomeOf(both, admins, 2)).toBe("ada ben");
    const samePerson = [adminOf(ADA), adminOf(BEN, { person: "ada" })];
    expect(await outcomeOf(both, samePerson, 2)).toBe("advisory/bad-signature");
  });

  it("is none over other bytes, of whichever member", async () => {
    const envelope: { payload: string } = JSON.parse(await signAdvisory(advisory(), ADA));
    const payload = Buffer.from(envelope.payload, "base64url");
    for (let at = 0; at < payload.length; at += 7) {
      const other = Uint8Array.from(payload);
      other[at] = (other[at] ?? 0) ^ 1;
      const forged = { ...envelope, payload: Buffer.from(other).toString("base64url") };
      expect(await outcomeOf(JSON.stringify(forged))).toBe("advisory/bad-signature"); // in order
    }
  });

  it("over bytes that are no canonical JSON makes no second form of one advisory", async () => {
    const type = "application/vnd.ostiary.advisory.v1+json";
    const spaced = await signDsse(type, utf8(JSON.stringify(written(), null, 1)), ADA);
    expect(await outcomeOf(spaced)).toBe("advisory/malformed");
  });

  it.each([["{}"], [""], ["null"], ['{"payload":"","payloadType":"x","signatures":[]}']])(
    "is missing in %j",
    async (envelope) => {
      expect(await outcomeOf(envelope)).toBe("advisory/bad-signature");
    },
  );
});

describe("the advisory of the project", () => {
  const all: Advisory = shippedAdvisory();

  it("has a source and a grade beside each figure, and claims none that AMD was read to state", () => {
    const figures = all.bulletins.flatMap(({ floors }) => floors);
    expect(figures.length).toBeGreaterThan(20);
    expect(new Set(figures.map(({ sure }) => sure))).toEqual(new Set(["derived", "reported"]));
    expect(figures.every(({ source }) => source.length > 5)).toBe(true);
  });

  /** The last microcode that Linux takes no further update over (arch/x86/kernel/cpu/microcode/amd.c); a TCB has the low byte. */
  it.each([
    ["milan", 0xa0011da],
    ["milan-x", 0xa001243],
    ["genoa", 0xa101153],
    ["genoa-x", 0xa10124e],
    ["siena", 0xaa00218],
    ["turin", 0xb002146],
    ["turin-dense", 0xb101046],
  ])("asks of %s what lies one above Linux's cut-off for EntrySign", (line, cutOff) => {
    const entrySign = all.bulletins.find(({ id }) => id === "AMD-SB-3019");
    const own = entrySign?.floors.find((one) => one.line === line && one.component === "microcode");
    expect(own).toMatchObject({ least: (cutOff + 1) & 0xff, sure: "derived" });
  });

  it("says of what no level helps with that none does", () => {
    const badFuse = all.bulletins.find(({ id }) => id === "AMD-SB-3045");
    expect(badFuse?.floors).toEqual([]);
    expect(badFuse?.beyond[0]?.says).toContain("no level helps");
  });
});
