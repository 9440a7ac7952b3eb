/** What Ostiary writes, verified by code that is not ours: the notes, trees and tiles of Go's checksum database, from Debian's package. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { base64Of } from "../../src/base/bytes.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { proveConsistency } from "../../src/broker/proofs.ts";
import { verifierKeyOf } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { brokerWithHistory, grow, run, sourceOf } from "../cli/ledger-run.ts";
import type { BrokerAtHand } from "../http/broker-at-hand.ts";

const GOCODE = "/usr/share/gocode";
const isHere =
  spawnSync("go", ["version"]).status === 0 && existsSync(join(GOCODE, "src/golang.org/x/mod/sumdb/tlog"));

const folder = await mkdtemp(join(tmpdir(), "ostiary-sumdb-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!isHere)(
  `the code of Go's checksum database${isHere ? "" : " (neither go nor golang-golang-x-mod-dev here)"}`,
  () => {
    it("is built", () => {
      const env = {
        ...process.env,
        GO111MODULE: "off",
        GOPATH: GOCODE,
        GOFLAGS: "",
        GOCACHE: join(folder, "cache"),
      };
      const source = join(import.meta.dirname, "../support/sumdb");
      const built = spawnSync("go", ["build", "-o", join(folder, "check"), "."], {
        cwd: source,
        env,
        encoding: "utf8",
      });
      expect(built.stderr).toBe("");
    }, 120_000);

    it("opens our heads, and finds each to continue the ones before", async () => {
      const broker = await brokerWithHistory(1);
      const heads: { readonly size: number; readonly file: string }[] = [];
      for (const size of [1, 2, 7, 255, 256, 257, 700]) {
        await grow(broker, size - (await broker.world.store.ledgerSize())); // in order: it grows
        const file = await written(`head-${size}`, await advanceCheckpoint(broker.world));
        expect(check(broker, "note", file)).toBe(`${size}\n`);
        heads.push({ size, file });
      }
      for (const [i, older] of heads.entries()) {
        for (const newer of heads.slice(i)) {
          const { proof } = await proveConsistency(older.size, newer.size, broker.world);
          expect(check(broker, "consistency", older.file, newer.file, ...proof.map(base64Of))).toBe(
            `${older.size} ${newer.size}\n`,
          );
          if (proof.length > 0)
            expect(() =>
              check(broker, "consistency", older.file, newer.file, ...proof.slice(1).map(base64Of)),
            ).toThrow();
        }
      }
    }, 60_000);

    it("finds that a part of the log continues what an auditor held", async () => {
      const broker = await brokerWithHistory(0);
      let held = "";
      for (const added of [7, 300, 256]) {
        await grow(broker, added); // in order: it grows
        const old = held;
        held = await advanceCheckpoint(broker.world);
        if (old === "") continue;
        const { out } = await run("export --since old", sourceOf(broker), { old });
        const { checkpoint, since } = JSON.parse(out.slice(0, out.indexOf("\n")));
        const [from, to] = [await written("old", old), await written("new", checkpoint)];
        expect(check(broker, "consistency", from, to, ...since.proof)).toMatch(/^\d+ \d+\n$/);
        expect(() => check(broker, "consistency", from, to, ...since.proof.toReversed())).toThrow();
      }
    }, 60_000);

    it("finds an entry in the log by its proof, and no other in its place", async () => {
      const broker = await brokerWithHistory(700);
      for (const seq of [0, 255, 256, 511, 699]) {
        const { out } = await run(`prove ${seq}`, sourceOf(broker)); // in order: few
        expect(check(broker, "proof", await written("proof", out))).toContain(
          `"subject":"prod/disk-${seq}@1"`,
        );
        const moved = await written("moved", out.replace(`index ${seq}\n`, `index ${seq + 1}\n`));
        expect(() => check(broker, "proof", moved)).toThrow();
      }
    }, 60_000);

    it("reads a log in files from its head down to each entry", async () => {
      const broker = await brokerWithHistory(0);
      const place = join(folder, "log");
      for (const added of [3, 300, 700]) {
        await grow(broker, added); // in order: it grows
        await run(`export --files ${place}`, sourceOf(broker));
        expect(check(broker, "log", place)).toBe(`${await broker.world.store.ledgerSize()}\n`);
      }
      await writeFile(join(place, "tile/entries/001"), "\0\u0001x");
      expect(() => check(broker, "log", place)).toThrow("entry 256 is another");
    }, 60_000);
  },
);

async function written(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

function check({ world }: BrokerAtHand, ...words: readonly string[]): string {
  const key = verifierKeyOf(
    { name: "broker.example/c/0001", spki: world.ledgerSigner.spki },
    nodePrimitives.digest,
  );
  const { status, stdout, stderr } = spawnSync(join(folder, "check"), [key, ...words], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
