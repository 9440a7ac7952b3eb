import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { canonicalJsonBytes, type JsonObject } from "../../src/base/canonical-json.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { instant } from "../../src/base/time.ts";
import type { SealedRelease } from "../../src/channel/release-key.ts";
import { openReleases, type ReleaseContext } from "../../src/client/verify-release.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { WantedItem } from "../../src/wire/messages.ts";
import {
  BROKER,
  DECISION,
  type GuestExchange,
  guestExchange,
  headerOf,
  NOW,
  random,
  type SealPlan,
  STRANGER,
  sealedRelease,
} from "./sealed-answer.ts";

const SECRETS = { "prod/a": random(32), "prod/b": random(48) } as const;
const WANTED: readonly WantedItem[] = [{ secret: "prod/a" }, { secret: "prod/b" }];

interface Outcome {
  readonly code: string;
  /** Private-key operations: none may happen before the whole answer is known to be good. */
  readonly openings: number;
  readonly opened: readonly {
    readonly secretId: string;
    readonly version: number;
    readonly secret: Uint8Array;
  }[];
}

async function outcomeOf(
  exchange: GuestExchange,
  releases: readonly SealedRelease[],
  changes: Partial<ReleaseContext> & { readonly decision?: string } = {},
): Promise<Outcome> {
  let openings = 0;
  const counting: Primitives = {
    ...nodePrimitives,
    agree: (...args) => {
      openings += 1;
      return nodePrimitives.agree(...args);
    },
  };
  const { decision = DECISION, ...context } = changes;
  try {
    const opened = await openReleases(
      { decision, releases, refused: [] },
      {
        transcript: exchange.transcript,
        wrapPrivate: exchange.wrapPrivate,
        wanted: WANTED,
        isPartial: false,
        signingKey: BROKER.spki,
        now: NOW,
        primitives: counting,
        ...context,
      },
    );
    return { code: "opened", openings, opened };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { code: thrown.code, openings, opened: [] };
  }
}

type Changes = Omit<Partial<SealPlan>, "exchange">;

async function first(exchange: GuestExchange, changes: Changes = {}): Promise<SealedRelease> {
  const { header, ...rest } = changes;
  return sealedRelease({ exchange, secret: SECRETS["prod/a"], header: { of: 2, ...header }, ...rest });
}

async function second(exchange: GuestExchange, changes: Changes = {}): Promise<SealedRelease> {
  const header = { secret_id: "prod/b", seq: 1, of: 2, ...changes.header };
  return sealedRelease({ exchange, secret: SECRETS["prod/b"], ...changes, header });
}

async function pair(exchange: GuestExchange, changes: Changes = {}): Promise<readonly SealedRelease[]> {
  return [await first(exchange), await second(exchange, changes)];
}

describe("an answer of the pinned broker to this very request", () => {
  it("opens, every item under its name and version", async () => {
    const exchange = await guestExchange();
    const { code, opened, openings } = await outcomeOf(exchange, await pair(exchange));
    expect({ code, openings }).toEqual({ code: "opened", openings: 2 });
    expect(opened).toEqual([
      { secretId: "prod/a", version: 1, secret: SECRETS["prod/a"] },
      { secretId: "prod/b", version: 1, secret: SECRETS["prod/b"] },
    ]);
  });

  it("is given back in the order of what was wanted", async () => {
    const exchange = await guestExchange();
    const wanted = WANTED.toReversed();
    const { opened } = await outcomeOf(exchange, await pair(exchange), { wanted });
    expect(opened.map(({ secretId }) => secretId)).toEqual(["prod/b", "prod/a"]);
  });

  it("may hold two versions of one secret, each where it was wanted", async () => {
    const exchange = await guestExchange();
    const wanted = [{ secret: "prod/b" }, { secret: "prod/b", version: 1 }];
    const releases = [
      await second(exchange, { header: { seq: 0, key_version: 1 } }),
      await second(exchange, { header: { key_version: 2 } }),
    ];
    const { opened } = await outcomeOf(exchange, releases, { wanted });
    expect(opened.map(({ version }) => version)).toEqual([2, 1]);
  });

  it("may lack items where the guest said partial, and only there", async () => {
    const exchange = await guestExchange();
    const alone = [await first(exchange, { header: { of: 1 } })];
    expect((await outcomeOf(exchange, alone, { isPartial: true })).code).toBe("opened");
    expect((await outcomeOf(exchange, alone)).code).toBe("channel/bad-release");
  });

  it("counts from the broker's clock with five seconds of grace before, none after", async () => {
    const exchange = await guestExchange();
    const iat = await pair(exchange, { header: { iat: instant(NOW + 5) } });
    expect((await outcomeOf(exchange, iat)).code).toBe("opened");
    const exp = await pair(exchange, { header: { exp: NOW } });
    expect((await outcomeOf(exchange, exp)).code).toBe("opened");
  });
});

/** One row, one deviation, in an answer of two items; the second item deviates unless the row says otherwise. */
type Row = (exchange: GuestExchange) => Promise<readonly SealedRelease[]>;

const REFUSED: Readonly<Record<string, Row>> = {
  "no items": async () => [],
  "an item dropped": async (exchange) => [await first(exchange)],
  "an item dropped and counted out": async (exchange) => [await first(exchange, { header: { of: 1 } })],
  "items swapped": async (exchange) => (await pair(exchange)).toReversed(),
  "an item repeated": async (exchange) => {
    const one = await first(exchange);
    return [one, one];
  },
  "an item repeated under the next number": async (exchange) => [
    await first(exchange),
    await first(exchange, { header: { seq: 1 } }),
  ],
  "another version of an item for the one that is missing": async (exchange) => [
    await first(exchange),
    await first(exchange, { header: { seq: 1, key_version: 2 } }),
  ],
  "an item too many": async (exchange) => [
    await first(exchange, { header: { of: 3 } }),
    await second(exchange, { header: { of: 3 } }),
    await second(exchange, { header: { of: 3, seq: 2, secret_id: "prod/c" } }),
  ],
  "counts that differ": async (exchange) => pair(exchange, { header: { of: 3 } }),
  "the header of the other item": async (exchange) => {
    const [one, two] = await pair(exchange);
    if (one === undefined || two === undefined) throw new Error("two items");
    return [
      { ...one, header: two.header },
      { ...two, header: one.header },
    ];
  },
  "the headers swapped and their numbers kept": async (exchange) => {
    const [one, two] = await pair(exchange);
    if (one === undefined || two === undefined) throw new Error("two items");
    const renamed = await first(exchange, { header: { secret_id: "prod/b" } });
    return [{ ...one, header: renamed.header }, two];
  },
  "the ciphertext of the other item": async (exchange) => {
    const [one, two] = await pair(exchange);
    if (one === undefined || two === undefined) throw new Error("two items");
    return [one, { ...two, enc: one.enc, ct: one.ct }];
  },
  "an item of another exchange": async (exchange) => [
    await first(exchange),
    await second(await guestExchange()),
  ],
  "an item of another exchange to the same one-use key": async (exchange) => {
    const other = await guestExchange();
    return [await first(exchange), await second({ ...other, wrapPub: exchange.wrapPub })];
  },
  "another signer": (exchange) => pair(exchange, { signer: STRANGER }),
  "no signature": async (exchange) => {
    const [one, two] = await pair(exchange);
    if (one === undefined || two === undefined) throw new Error("two items");
    return [one, { ...two, sig: new Uint8Array(64) }];
  },
  "a header with another member": (exchange) => pair(exchange, { headerBytes: changed({ more: 1 }) }),
  "a header without its kid": (exchange) => pair(exchange, { headerBytes: changed({ kid: undefined }) }),
  "a header that is no JSON": (exchange) => pair(exchange, { headerBytes: utf8("{") }),
  "another algorithm": (exchange) => pair(exchange, { headerBytes: changed({ alg: "none" }) }),
  "another type": (exchange) => pair(exchange, { headerBytes: changed({ typ: "ostiary-release+jwe" }) }),
  "another version of the format": (exchange) => pair(exchange, { headerBytes: changed({ v: 2 }) }),
  "another binding": (exchange) => pair(exchange, { header: { binding: 2 } }),
  "another suite": (exchange) => pair(exchange, { header: { suite: 2 } }),
  "a secret nobody asked for": (exchange) => pair(exchange, { header: { secret_id: "prod/c" } }),
  "a token nobody asked for": (exchange) => pair(exchange, { header: { secret_id: "token/prod" } }),
  "another decision": (exchange) => pair(exchange, { header: { decision: "01KB0000000000000000000002" } }),
  "an item that is past": (exchange) => pair(exchange, { header: { exp: instant(NOW - 1) } }),
  "an item of the future": (exchange) => pair(exchange, { header: { iat: instant(NOW + 6) } }),
};

function changed(changes: Readonly<Record<string, string | number | undefined>>): Uint8Array {
  const header: JsonObject = { ...headerOf({ secret_id: "prod/b", seq: 1, of: 2 }), ...changes };
  return canonicalJsonBytes(
    Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined)),
  );
}

describe("what is refused before anything is opened (A13, A15, A17)", () => {
  it.each(Object.keys(REFUSED))("%s", async (name) => {
    const exchange = await guestExchange();
    const releases = (await REFUSED[name]?.(exchange)) ?? [];
    expect(await outcomeOf(exchange, releases)).toEqual({
      code: "channel/bad-release",
      openings: 0,
      opened: [],
    });
  });

  it("a version other than the one asked for", async () => {
    const exchange = await guestExchange();
    const wanted = [{ secret: "prod/a" }, { secret: "prod/b", version: 2 }];
    expect(await outcomeOf(exchange, await pair(exchange), { wanted })).toMatchObject({
      code: "channel/bad-release",
      openings: 0,
    });
  });

  it("an answer whose own decision is another", async () => {
    const exchange = await guestExchange();
    const decision = "01KB0000000000000000000002";
    expect(await outcomeOf(exchange, await pair(exchange), { decision })).toMatchObject({
      code: "channel/bad-release",
      openings: 0,
    });
  });

  it("every answer, where another key is pinned", async () => {
    const exchange = await guestExchange();
    for (const signingKey of [STRANGER.spki, new Uint8Array(91), new Uint8Array(0)]) {
      const outcome = await outcomeOf(exchange, await pair(exchange), { signingKey }); // in order: three rows
      expect(outcome).toMatchObject({ code: "channel/bad-release", openings: 0 });
    }
  });

  it("a changed byte anywhere: kid, policy hash, any other", async () => {
    const exchange = await guestExchange();
    const [one, two] = await pair(exchange);
    if (one === undefined || two === undefined) throw new Error("two items");
    for (const part of ["header", "enc", "ct", "sig"] as const) {
      for (let at = 0; at < two[part].length; at += 1) {
        const bytes = two[part].slice();
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        const outcome = await outcomeOf(exchange, [one, { ...two, [part]: bytes }]); // in order: byte by byte
        expect(outcome).toMatchObject({ code: "channel/bad-release", openings: 0 });
      }
    }
  });
});

describe("what is refused after the signature", () => {
  it("an item that the broker signed but sealed to another key", async () => {
    const exchange = await guestExchange();
    const other = await guestExchange();
    const releases = await pair({ ...exchange, wrapPub: other.wrapPub });
    expect((await outcomeOf(exchange, releases)).code).toBe("channel/bad-release");
  });

  it("the whole answer, and what of it was open is overwritten", async () => {
    const exchange = await guestExchange();
    const other = await guestExchange();
    const releases = [await first(exchange), await second({ ...exchange, wrapPub: other.wrapPub })];
    const plaintexts: Uint8Array[] = [];
    const watching: Primitives = {
      ...nodePrimitives,
      aeadOpen: async (...args) => {
        const plaintext = await nodePrimitives.aeadOpen(...args);
        if (plaintext !== undefined) plaintexts.push(plaintext);
        return plaintext;
      },
    };
    expect((await outcomeOf(exchange, releases, { primitives: watching })).code).toBe("channel/bad-release");
    expect(plaintexts).toEqual([new Uint8Array(32)]);
  });
});

describe("tokens in an answer", () => {
  const STS = "https://sts.example";
  const VAULT = "https://vault.example";
  const wanted: readonly WantedItem[] = [{ token: { aud: STS } }, { token: { aud: VAULT } }];
  const tokenFor = (aud: unknown): Uint8Array =>
    utf8(`e30.${Buffer.from(JSON.stringify({ aud })).toString("base64url")}.e30`);
  const sealedTokens = (exchange: GuestExchange, tokens: readonly Uint8Array[]) =>
    Promise.all(
      tokens.map((secret, seq) =>
        sealedRelease({
          exchange,
          secret,
          header: { secret_id: `token/n${seq}`, key_version: 0, seq, of: tokens.length },
        }),
      ),
    );

  it("stand in the order of what was wanted, by the audience that each names", async () => {
    const exchange = await guestExchange();
    const releases = await sealedTokens(exchange, [tokenFor(VAULT), tokenFor(STS)]);
    const { opened } = await outcomeOf(exchange, releases, { wanted });
    expect(opened.map(({ secret }) => secret)).toEqual([tokenFor(STS), tokenFor(VAULT)]);
  });

  const REFUSED_TOKENS = {
    "for an audience that was not asked for": [tokenFor(STS), tokenFor("https://other.example")],
    "for one audience, twice": [tokenFor(STS), tokenFor(STS)],
    "for two audiences at once": [tokenFor(STS), tokenFor([VAULT])],
    "that are no JWT": [tokenFor(STS), utf8("no.token")],
    "whose payload is no JSON": [tokenFor(STS), utf8("e30.e31.e30")],
  };
  it.each(Object.entries(REFUSED_TOKENS))("are refused: %s", async (_name, tokens) => {
    const exchange = await guestExchange();
    const { code } = await outcomeOf(exchange, await sealedTokens(exchange, tokens), { wanted });
    expect(code).toBe("channel/bad-release");
  });

  it("are refused where a secret was wanted, and a secret where a token was", async () => {
    const exchange = await guestExchange();
    const [token] = await sealedTokens(exchange, [tokenFor(STS)]);
    const secretWanted = { wanted: [{ secret: "prod/a" }] };
    expect((await outcomeOf(exchange, token === undefined ? [] : [token], secretWanted)).code).toBe(
      "channel/bad-release",
    );
    const header = { secret_id: "prod/a", key_version: 0, seq: 0, of: 1 };
    const secret = await sealedRelease({ exchange, secret: tokenFor(STS), header });
    expect((await outcomeOf(exchange, [secret], { wanted: wanted.slice(0, 1) })).code).toBe(
      "channel/bad-release",
    );
  });
});
