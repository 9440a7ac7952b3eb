/** Do the verbs for a change of policy show what it would do, ask for a reason where somebody gains, and end as they should? */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDecisionCommand } from "../../src/cli/commands/decision.ts";
import { createPolicyCommand } from "../../src/cli/commands/policy.ts";
import { createWritCommand } from "../../src/cli/commands/writ.ts";
import { commitOf } from "../../src/cli/policy/git-commit.ts";
import { driftOf } from "../../src/policy/drift.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createTerminal } from "../../src/runtime/node/terminal.ts";
import { attemptOf, type GuestBroker, guestBroker, PATH, POLICY, post } from "../pipeline/guest-at-hand.ts";
import { runCommand, sessionOf } from "./command-run.ts";

const STRICT = POLICY.replace("require not guest.debug", "require vmpl == 3");
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const { digest } = nodePrimitives;

async function run(broker: GuestBroker, verb: "policy" | "decision" | "writ", ...words: readonly string[]) {
  const open = sessionOf(broker);
  const commands = {
    policy: createPolicyCommand({ open, digest }),
    decision: createDecisionCommand(open),
    writ: createWritCommand({ primitives: nodePrimitives, now: () => 1_788_000_000 }),
  };
  const { readFile, writeFile } = createTerminal();
  const ended = await runCommand(commands[verb], words, { isTty: true, readFile, writeFile });
  return ended.thrown instanceof Error ? { ...ended, err: ended.thrown.message } : ended;
}

function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-changes-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

async function ask(broker: GuestBroker): Promise<number> {
  return (await post(broker, "/v1/release", (await attemptOf(broker)).body)).status;
}

/** A broker whose guest was refused once, and a folder that would let it in. */
async function refusing(): Promise<{ readonly broker: GuestBroker; readonly folder: string }> {
  const broker = await guestBroker({ policy: STRICT });
  expect(await ask(broker)).toBe(403);
  return {
    broker,
    folder: folderOf({ "test.writ": POLICY, "more.test.writ": "writ 1\n", ".git/HEAD": COMMIT }),
  };
}

describe("policy plan, apply and drift", () => {
  it("show what a folder would change, ask why where somebody gains, and find no drift afterwards", async () => {
    const { broker, folder } = await refusing();
    const planned = await run(broker, "policy", "plan", folder);
    expect(planned.status).toBe(1);
    expect(planned.out).toContain(
      `declared   ${folder}, commit 0123456789ab\n  ~ test.writ\ndrift in meaning\n`,
    );
    expect(planned.out).toContain("newly allowed, for example:");
    expect(planned.out).toContain(`would gain   ${PATH}`);
    const refused = await run(broker, "policy", "apply", folder);
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.out).toContain("policy/unexplained-gain");
    const applied = await run(broker, "policy", "apply", folder, "--explain", "the image was approved");
    expect(applied).toMatchObject({ status: 0 });
    expect(applied.out).toMatch(/^live: [0-9a-f]{64}\n$/);
    expect(await ask(broker)).toBe(200);
    const still = await run(broker, "policy", "drift", folder);
    expect(still.status).toBe(0);
    expect(still.out).toMatch(/live {7}[0-9a-f]{64} \(activation 2\), commit 0123456789ab\n/);
    expect(await run(broker, "policy", "plan", folder)).toMatchObject({ status: 0 });
    expect((await run(broker, "policy", "apply", folder)).out).toBe(
      "nothing to apply: what is declared is live\n",
    );
  });

  it("tell bytes from meaning, and name each file", async () => {
    const broker = await guestBroker();
    const same = folderOf({ "test.writ": `${POLICY}# a comment\n` });
    const bytes = await run(broker, "policy", "drift", same, "--json");
    expect(bytes.status).toBe(1);
    expect(JSON.parse(bytes.out)).toMatchObject({
      drift: "bytes",
      changed: ["test.writ"],
      declaredCommit: null,
      diff: { verdict: "equivalent" },
    });
    const other = folderOf({ "other.writ": STRICT });
    expect(JSON.parse((await run(broker, "policy", "drift", other, "--json")).out)).toMatchObject({
      drift: "meaning",
      added: ["other.writ"],
      removed: ["test.writ"],
      changed: [],
    });
  });

  it("propose and go no further where that is wished, and apply the first policy of a broker", async () => {
    const broker = await guestBroker({ policy: null });
    const folder = folderOf({ "p.writ": POLICY });
    const proposed = await run(broker, "policy", "apply", folder, "--propose-only", "--json");
    expect(JSON.parse(proposed.out)).toMatchObject({ applied: false });
    expect((await broker.admin.listBundles()).live).toBeUndefined();
    expect(await run(broker, "policy", "apply", folder)).toMatchObject({ status: 0 });
  });

  it("end with a sentence where the folder is none, or holds no source", async () => {
    const broker = await guestBroker();
    expect(await run(broker, "policy", "plan", join(tmpdir(), "there-is-none"))).toMatchObject({ status: 3 });
    expect(await run(broker, "policy", "drift", folderOf({ a: "" }))).toMatchObject({ status: 3 });
    expect(await run(broker, "policy", "apply", folderOf({ "a.writ": "writ 1\npolicy" }))).toMatchObject({
      status: 1,
    });
  });
});

describe("a drift", () => {
  const files = (text: string) => new Map([["p.writ", new TextEncoder().encode(text)]]);
  it("is of meaning where only a promise differs, whichever side makes it", () => {
    const less = POLICY.replace("token_ttl 2m", "token_ttl 1m");
    for (const [a, b] of [
      [POLICY, less],
      [less, POLICY],
    ] as const) {
      expect(driftOf(files(a), files(b), digest).kind).toBe("meaning");
    }
  });

  it("is none where a bundle's own files alone differ, and of meaning where a side does not compile", () => {
    const live = new Map([
      ...files(POLICY),
      ["origin.json", new Uint8Array(1)],
      ["bundle.json", new Uint8Array(1)],
    ]);
    expect(driftOf(files(POLICY), live, digest)).toMatchObject({ kind: "none", removed: [] });
    expect(driftOf(files(POLICY), new Map(), digest)).toMatchObject({ kind: "meaning", added: ["p.writ"] });
    expect(driftOf(files("writ 1\npolicy"), files(POLICY), digest).kind).toBe("meaning");
  });
});

describe("the commit of a folder", () => {
  it.each([
    ["of a detached head", { ".git/HEAD": `${COMMIT}\n` }, "."],
    [
      "of a branch, from a folder below",
      { ".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": COMMIT, "a/b": "" },
      "a",
    ],
    [
      "of a packed branch",
      { ".git/HEAD": "ref: refs/heads/main", ".git/packed-refs": `# pack\n${COMMIT} refs/heads/main\n` },
      ".",
    ],
    [
      "of a worktree",
      {
        "w/.git": "gitdir: ../g/w",
        "g/w/HEAD": "ref: refs/heads/x",
        "g/w/commondir": "..",
        "g/refs/heads/x": COMMIT,
      },
      "w",
    ],
  ])("is found %s", (_, files, at) => {
    expect(commitOf(join(folderOf(files as Readonly<Record<string, string>>), at))).toBe(COMMIT);
  });

  it.each([
    ["a reference that leads out", { ".git/HEAD": "ref: ../../etc/passwd" }],
    ["a branch without a commit", { ".git/HEAD": "ref: refs/heads/main" }],
    ["a file that is no checkout's", { ".git": "hello" }],
  ])("is not made up: %s", (_, files) => {
    expect(commitOf(folderOf(files as Readonly<Record<string, string>>))).toBeUndefined();
  });
});

describe("policy replay and explain", () => {
  it("tell who gains and who loses, with progress on a terminal, and end with 1 where somebody does", async () => {
    const { broker, folder } = await refusing();
    const told = await run(broker, "policy", "replay", folder);
    expect(told).toMatchObject({ status: 1, err: "\r1 decisions judged again\n" });
    expect(told.out).toContain(
      "1 decisions judged again: of 1 items 0 alike, 1 gained, 0 lost, 0 on other terms\n",
    );
    expect(told.out).toContain(
      'by acme.test/disks allow "boot"\n  until now require vmpl == 3 (test.writ:13)\n',
    );
    const { live } = await broker.admin.listBundles();
    const same = await run(broker, "policy", "replay", live?.digest ?? "", "--json");
    expect(same.status).toBe(0);
    expect(JSON.parse(same.out)).toMatchObject({ alike: 1, gained: 0, groups: [] });
    const none = await run(broker, "policy", "replay", folder, "--since", "2099-01-01", "--limit", "7");
    expect(none).toMatchObject({ status: 0 });
    expect(await run(broker, "policy", "replay", folder, "--limit", "0")).toMatchObject({ status: 2 });
  });

  it("sign why, for all that gain or for a pattern of them", async () => {
    const { broker, folder } = await refusing();
    const { out } = await run(broker, "policy", "apply", folder, "--propose-only", "--json");
    const { proposed } = JSON.parse(out) as { readonly proposed: string };
    expect(await run(broker, "policy", "explain", proposed)).toMatchObject({ status: 2 });
    expect(
      (await run(broker, "policy", "explain", proposed, "--because", "x", "--resource", "other/**")).out,
    ).toBe("there is no gain to explain\n");
    expect(
      await run(broker, "policy", "explain", proposed, "--because", "x", "--resource", "a/**/b"),
    ).toMatchObject({ status: 2 });
    const told = await run(
      broker,
      "policy",
      "explain",
      proposed,
      "--because",
      "approved",
      "--resource",
      "prod/**",
    );
    expect(told.out).toBe('explained   prod/**   by acme.test/disks allow "boot"\n  approved\n');
    expect(await run(broker, "policy", "activate", proposed)).toMatchObject({ status: 0 });
  });
});

describe("policy shadow", () => {
  it("puts a bundle in shadow, shows it, and ends it", async () => {
    const { broker, folder } = await refusing();
    const { out } = await run(broker, "policy", "apply", folder, "--propose-only", "--json");
    const { proposed } = JSON.parse(out) as { readonly proposed: string };
    expect((await run(broker, "policy", "shadow")).out).toBe("no bundle is in shadow\n");
    expect((await run(broker, "policy", "shadow", proposed.slice(0, 8), "--until", "2099-01-01")).out).toBe(
      `in shadow ${proposed} until 2099-01-01T00:00:00Z; 0 differences\n`,
    );
    expect(JSON.parse((await run(broker, "policy", "shadow", "--json")).out)).toMatchObject({
      serial: 1,
      isActive: true,
    });
    expect((await run(broker, "policy", "shadow", "--stop")).out).toBe("no bundle is in shadow\n");
    expect(await run(broker, "policy", "shadow", proposed, "--stop")).toMatchObject({ status: 2 });
    expect(await run(broker, "policy", "shadow", "--until", "2099-01-01")).toMatchObject({ status: 2 });
  });
});

describe("decisions that were exported", () => {
  it("are judged again offline, and one that was written over is named", async () => {
    const { broker, folder } = await refusing();
    await ask(broker);
    const log = join(folder, "decisions.jsonl");
    const { out, status } = await run(broker, "decision", "export");
    expect([status, out.split("\n").length]).toEqual([0, 3]);
    writeFileSync(log, out);
    const told = await run(broker, "writ", "test", "--replay", log, join(folder, "test.writ"));
    expect(told.status).toBe(1);
    expect(told.out).toContain("2 decisions judged again: of 2 items 0 alike, 2 gained");
    const strict = folderOf({ "test.writ": STRICT });
    expect(await run(broker, "writ", "test", "--replay", log, join(strict, "test.writ"))).toMatchObject({
      status: 0,
      out: "2 decisions judged again: of 2 items 2 alike, 0 gained, 0 lost, 0 on other terms\n",
    });
    writeFileSync(log, out.replace(/("facts":\{.*?)"vmpl":0/, '$1"vmpl":3'));
    const forged = await run(broker, "writ", "test", "--replay", log, join(strict, "test.writ"), "--json");
    expect(forged.status).toBe(1);
    expect(JSON.parse(forged.out)).toMatchObject({ tampered: 1, alike: 1 });
  });

  it("are compared with other sources, obligations too", async () => {
    const broker = await guestBroker();
    await ask(broker);
    const folder = folderOf({
      "old.writ": POLICY,
      "new.writ": POLICY.replace("token_ttl 2m", "token_ttl 1m"),
      "log.jsonl": (await run(broker, "decision", "export")).out,
    });
    const at = (name: string) => join(folder, name);
    const told = await run(
      broker,
      "writ",
      "test",
      "--replay",
      at("log.jsonl"),
      "--against",
      at("old.writ"),
      at("new.writ"),
    );
    expect(told.status).toBe(1);
    expect(told.out).toContain("on other terms   prod/db1/luks");
    expect(told.out).toContain("`token_ttl 2m` becomes `token_ttl 1m`");
  });
});
