/** `ostiary ledger …`: against a broker at hand, and offline on what it exported. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import type { LedgerSource } from "../../src/cli/ledger-source.ts";
import { linesOf } from "../../src/cli/lines.ts";
import { parseVerifierKey } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { readPieces } from "../../src/runtime/node/read-pieces.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { logOf } from "../ledger/entries.ts";
import { exportOf, VERIFIER_KEY } from "../ledger/exports.ts";
import { codeOfPromise } from "../support/faults.ts";
import { brokerWithHistory, piecesOf, run, sourceOf, sourceOfLog } from "./ledger-run.ts";

describe("ostiary ledger head", () => {
  it("prints origin, size, root and the key to verify them with", async () => {
    const broker = await brokerWithHistory(3);
    const { status, out } = await run("head --json", sourceOf(broker));
    const facts = JSON.parse(out);
    expect(status).toBe(0);
    expect(facts).toMatchObject({ origin: "broker.example/c/0001", size: 3 });
    expect(facts.root).toMatch(/^[0-9a-f]{64}$/);
    expect(facts.key).toMatch(/^broker\.example\/c\/0001\+[0-9a-f]{8}\+/);
    expect(facts.checkpoint).toContain(`\n3\n${Buffer.from(facts.root, "hex").toString("base64")}\n`);
    const text = await run("head", sourceOf(broker));
    expect(text.out).toContain(facts.root);
  });

  it("refuses a head that the ledger key did not sign", async () => {
    const source = sourceOf(await brokerWithHistory(1));
    const forged = {
      ...source,
      checkpoint: async () => (await source.checkpoint()).replace("\n1\n", "\n2\n"),
    };
    expect((await run("head", forged)).status).toBe(1);
  });
});

describe("ostiary ledger show", () => {
  it("lists the newest entries, and prints one whole", async () => {
    const source = sourceOf(await brokerWithHistory(30));
    const listed = await run("show --last 3", source);
    expect(
      listed.out
        .trimEnd()
        .split("\n")
        .map((line) => line.split(/\s+/)[0]),
    ).toEqual(["SEQ", "27", "28", "29"]);
    expect((await run("show", source)).out.trimEnd().split("\n")).toHaveLength(21);
    const one = await run("show 4 --json", source);
    expect(JSON.parse(one.out)).toMatchObject([{ seq: 4, kind: "admin", act: "secret-put" }]);
    expect(JSON.parse((await run("show 4", source)).out)).toMatchObject({ seq: 4, subject: "prod/disk-4@1" });
  });

  it("shows every kind of entry", async () => {
    const out = await run("show", await sourceOfLog(7));
    for (const word of [
      "epoch",
      "allow",
      "deny no-policy",
      "release-failed",
      "secret-disabled",
      "prod/db/luks@3",
    ]) {
      expect(out.out).toContain(word);
    }
  });

  it("says no to a position that is not there, and that an empty log is empty", async () => {
    const source = sourceOf(await brokerWithHistory(2));
    expect((await run("show 2", source)).status).toBe(1);
    expect((await run("show", sourceOf(brokerAtHand()))).out).toBe("no entries\n");
  });

  it("refuses an entry that stands in another's place", async () => {
    const source = sourceOf(await brokerWithHistory(4));
    const shifted: LedgerSource = {
      ...source,
      ledgerPage: async (from, limit) => ({ ...(await source.ledgerPage(from + 1, limit)), from }),
    };
    expect((await run("show 1", shifted)).status).toBe(1);
  });
});

describe("ostiary ledger export", () => {
  it("writes what verify accepts, page after page", async () => {
    const broker = await brokerWithHistory(300);
    const exported = await run("export", sourceOf(broker));
    expect(exported.status).toBe(0);
    expect(exported.out.split("\n")).toHaveLength(302);
    const { key } = JSON.parse((await run("head --json", sourceOf(broker))).out);
    const verified = await run(`verify log.jsonl --key ${key} --json`, undefined, {
      "log.jsonl": exported.out,
    });
    expect(verified.status).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({ verified: true, size: 300, keyFrom: "argument", key });
  });

  it("ends with a no when the broker's pages are not what its head signs", async () => {
    const source = sourceOf(await brokerWithHistory(5));
    const cut: LedgerSource = {
      ...source,
      ledgerPage: async (from, limit) => {
        const page = await source.ledgerPage(from, limit);
        return { ...page, entries: page.entries.slice(0, 5 - from - 1) };
      },
    };
    const stretched: LedgerSource = {
      ...source,
      ledgerPage: async (from, limit) => {
        const page = await source.ledgerPage(from, limit);
        return { ...page, entries: [...page.entries.slice(0, 2), ...page.entries] };
      },
    };
    expect((await run("export", cut)).status).toBe(1);
    expect((await run("export", stretched)).status).toBe(1);
  });
});

describe("ostiary ledger prove", () => {
  it("writes what verify accepts with the key alone", async () => {
    const broker = await brokerWithHistory(300);
    const proven = await run("prove 123", sourceOf(broker));
    expect(proven.status).toBe(0);
    const { key } = JSON.parse((await run("head --json", sourceOf(broker))).out);
    const files = { "123.tlog-proof": proven.out, "-": proven.out };
    const text = await run(`verify 123.tlog-proof --key ${key}`, undefined, files);
    expect(text.status).toBe(0);
    expect(text.out).toContain("verified: entry 123 of broker.example/c/0001, under a head of 300 entries");
    const json = await run(`verify - --key ${key} --json`, undefined, files);
    expect(JSON.parse(json.out)).toMatchObject({
      verified: true,
      size: 300,
      key,
      entry: { seq: 123, subject: "prod/disk-123@1" },
    });
  });

  it("says no to a position that is not there", async () => {
    expect((await run("prove 2", sourceOf(await brokerWithHistory(2)))).status).toBe(1);
  });

  it("prints nothing that its own key does not bear out", async () => {
    const source = sourceOf(await brokerWithHistory(20));
    const other: LedgerSource = { ...source, inclusion: async (seq) => source.inclusion((seq + 1) % 20) };
    const forged: LedgerSource = {
      ...source,
      inclusion: async (seq) => {
        const answer = await source.inclusion(seq);
        return { ...answer, checkpoint: answer.checkpoint.replace(/.{8}(?=\n$)/, "AAAAAAAA") };
      },
    };
    const bent: LedgerSource = {
      ...source,
      inclusion: async (seq) => {
        const answer = await source.inclusion(seq);
        return { ...answer, proof: answer.proof.toReversed() };
      },
    };
    for (const hostile of [other, forged, bent]) {
      const ended = await run("prove 3", hostile);
      expect([ended.status, ended.out]).toEqual([1, ""]);
    }
  });
});

describe("ostiary ledger verify", () => {
  it("says yes, how much, and that a key from the export itself proves little", async () => {
    const files = { "log.jsonl": `${(await exportOf(logOf(7))).join("\n")}\n` };
    const trusting = await run("verify log.jsonl", undefined, files);
    expect(trusting).toMatchObject({ status: 0 });
    expect(trusting.out).toContain("verified: 7 entries");
    expect(trusting.out).toContain("--key");
    const careful = await run(`verify log.jsonl --key ${VERIFIER_KEY}`, undefined, files);
    expect(careful.out).not.toContain("--key");
    const json = await run("verify log.jsonl --json", undefined, files);
    expect(JSON.parse(json.out)).toMatchObject({
      verified: true,
      keyFrom: "export",
      entries: { allowed: 2, denied: 1 },
    });
  });

  it("takes the key from a file, and the export from standard input", async () => {
    const files = { "-": (await exportOf(logOf(3))).join("\n"), "log.vkey": `${VERIFIER_KEY}\n`, bad: "x" };
    expect((await run("verify - --key log.vkey", undefined, files)).status).toBe(0);
    expect((await run("verify - --key bad", undefined, files)).status).toBe(3);
    expect((await run("verify - --key absent", undefined, files)).status).toBe(3);
  });

  it("ends with 1 and names the place when an entry was cut out", async () => {
    const files = { "log.jsonl": (await exportOf(logOf(7))).toSpliced(4, 1).join("\n") };
    const text = await run(`verify log.jsonl --key ${VERIFIER_KEY}`, undefined, files);
    expect(text).toMatchObject({ status: 1, detail: { entry: 3 } });
    const json = await run(`verify log.jsonl --key ${VERIFIER_KEY} --json`, undefined, files);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      verified: false,
      code: "ledger/inconsistent",
      entry: 3,
      place: "entry 3",
    });
  });

  it("ends with 1 under another broker's key, and blames the head", async () => {
    const other = JSON.parse((await run("head --json", sourceOf(brokerAtHand()))).out);
    const files = { "log.jsonl": (await exportOf(logOf(2))).join("\n") };
    const json = await run(`verify log.jsonl --key ${other.key} --json`, undefined, files);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ verified: false, entry: null, place: "checkpoint" });
  });

  it("ends with 3 for a file that is no export or is not there", async () => {
    expect((await run("verify log.jsonl", undefined, { "log.jsonl": "hello\n" })).status).toBe(3);
    expect((await run("verify log.jsonl --json", undefined, { "log.jsonl": "" })).status).toBe(3);
    expect((await run("verify absent")).status).toBe(3);
  });

  it.each([
    "",
    "proven",
    "prove",
    "prove x",
    "verify",
    "verify a b",
    "verify a --loud",
    "head x",
    "show x",
    "show --last 0",
    "export x",
  ])("ends with 2 for `ledger %s`", async (words) => {
    expect((await run(words, sourceOf(brokerAtHand()))).status).toBe(2);
  });
});

describe("ostiary ledger witness", () => {
  it("serves for the logs that it is given, on this machine unless it is told another address", async () => {
    const words = `witness --data d --name witness.example/w1 --log ${VERIFIER_KEY}`;
    const { name } = parseVerifierKey(VERIFIER_KEY, nodePrimitives.digest);
    expect((await run(words)).out).toBe(`witness.example/w1 for ${name} on 127.0.0.1 8482\n`);
    expect((await run(`${words} --listen [::1]:9000`)).out).toContain("on ::1 9000");
    expect((await run(`${words} --listen w1.example:0`)).out).toContain("on w1.example 0");
  });

  it.each([
    "witness",
    "witness --data d --name n",
    "witness --data d --log KEY",
    "witness --name n --log KEY",
    "witness --data d --name a+b --log KEY",
    "witness --data d --name n --log KEY --log KEY",
    "witness --data d --name n --log KEY x",
    "witness --data d --name n --log KEY --listen 1",
    "witness --data d --name n --log KEY --listen a:99999",
  ])("ends with 2 for `ledger %s`", async (words) => {
    expect((await run(words.replaceAll("KEY", VERIFIER_KEY))).status).toBe(2);
  });

  it("takes no key of another kind for that of a log", async () => {
    expect((await run("witness --data d --name n --log n+00000000+AAAA")).status).toBe(3);
  });
});

describe("a file read by lines", () => {
  it("gives the same lines however it comes in pieces", async () => {
    const bytes = utf8("one\n\ntwo\nthree");
    for (let size = 1; size <= bytes.length; size += 1) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.slice(i * size, (i + 1) * size),
      );
      expect(await textsOf(pieces, 5)).toEqual(["one", "", "two", "three"]);
    }
  });

  it("refuses a line that is too long, ended or not, before it is in memory", async () => {
    expect(await codeOfPromise(textsOf([utf8("123456")], 5))).toBe("file/unusable");
    expect(await codeOfPromise(textsOf([utf8("123"), utf8("456\n")], 5))).toBe("file/unusable");
    expect(await textsOf([utf8("123"), utf8("45\n")], 5)).toEqual(["12345"]);
    expect(await textsOf([], 5)).toEqual([]);
  });

  it("comes from the disk, and says when it cannot", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ostiary-"));
    const path = join(folder, "log.jsonl");
    await writeFile(path, "a\nb\n");
    const texts: string[] = [];
    for await (const line of linesOf(readPieces(path), 10)) texts.push(new TextDecoder().decode(line));
    expect(texts).toEqual(["a", "b"]);
    expect(await codeOfPromise(readPieces(join(folder, "absent")).next())).toBe("file/unusable");
    await rm(folder, { recursive: true });
  });
});

async function textsOf(pieces: readonly Uint8Array[], maxBytes: number): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const line of linesOf(
    piecesOf(() => pieces),
    maxBytes,
  )) {
    texts.push(new TextDecoder().decode(concatBytes(line)));
  }
  return texts;
}
