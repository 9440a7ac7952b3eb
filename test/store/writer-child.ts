/**
 * A process that writes to one database: for the crash and race tests, which run several and kill some. Says each thing
 * on its own line only after the store acknowledged it. Arguments: role, path, first number.
 */
import { writeSync } from "node:fs";
import { createSqliteStore } from "../../src/store/sqlite.ts";
import { adminDraft, commitOf, decisionDraft, itemOf, useOf, versionOf } from "../contract/store/examples.ts";

const [role, path = "", start = "0"] = process.argv.slice(2);
const store = createSqliteStore({ path, mode: "existing", busyTimeoutMs: 10_000 });

/** The commit with this number; its nonce says the number too. */
function numbered(owner: string, number: number) {
  const id = `01J${owner}${String(number).padStart(22, "0")}`;
  const rand = new Uint8Array(16);
  new DataView(rand.buffer).setUint32(0, number);
  const spend = { ...commitOf().spend, rand };
  const items = [itemOf(useOf("all", 1e9), useOf("some", 100), useOf("lately", 1e9, 60))];
  return commitOf({
    id,
    spend,
    items,
    isAllOrNothing: false,
    draft: decisionDraft(id),
    trace: `{"n":${number}}`,
  });
}

function say(...words: readonly (string | number)[]): void {
  writeSync(1, `${words.join(" ")}\n`);
}

/** Commits groups of every size, versions of a secret and plain entries, until it is killed. */
async function writeForEver(first: number): Promise<never> {
  let number = first;
  let version = (await store.secretVersions("crash")).length;
  say("ready");
  for (;;) {
    const group = Array.from({ length: 1 + (number % 8) }, (_, i) => numbered("C", number + i));
    number += group.length;
    for (const [i, outcome] of (await store.commitDecisions(group)).entries()) {
      if (outcome.kind === "committed")
        say("decision", group[i]?.id ?? "", outcome.seq, number - group.length + i);
    }
    version += 1;
    const put = versionOf({ path: "crash", version, envelope: new Uint8Array(200).fill(version % 251) });
    if (await store.putSecretVersion(put, adminDraft("secret-put"))) say("version", version);
    say("entry", await store.appendEntry(adminDraft("policy-propose")));
  }
}

/** Commits every number below 300 once, as fast as it can, in competition with others that do the same. */
async function race(owner: string): Promise<void> {
  say("ready");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  for (let number = 0; number < 300; number += 3) {
    const group = [number, number + 1, number + 2].map((n) => numbered(owner, n));
    for (const [i, outcome] of (await store.commitDecisions(group)).entries()) {
      const exhausted = outcome.kind === "committed" ? outcome.exhausted.length : "";
      say(outcome.kind, number + i, exhausted);
    }
  }
  process.exit(0);
}

if (role === "race") await race(start);
else await writeForEver(Number(start));
