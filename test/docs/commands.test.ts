/** Is every command in the documents one that works as written? Each document is run from its first command to its last. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const PORT = "8480";

interface Block {
  readonly document: string;
  /** What stands behind `sh` on the fence. */
  readonly mark: string;
  readonly text: string;
}

const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith(".md"),
);

function blocksOf(document: string): readonly Block[] {
  const text = readFileSync(join(root, document), "utf8");
  return [...text.matchAll(/^```sh *(.*)\n([\s\S]*?)^```$/gm)].map(([, mark = "", block = ""]) => ({
    document,
    mark,
    text: block,
  }));
}

const blocks = documents.flatMap(blocksOf);
const isTested = ({ mark }: Block): boolean => !mark.startsWith("no-test");
const tested = documents.filter((document) =>
  blocks.some((block) => block.document === document && isTested(block)),
);

/** Commands that no test can run, and why: a new one is to be argued for here. */
const UNTESTED = [
  "README.md: no-test these run everything, this test too",
  "docs/guests.md: no-test needs SEV-SNP hardware and device-mapper",
];

/** A broker in the background is waited for; a block marked exit-1 must end so. */
function scriptOf(document: string): string {
  const steps = blocks
    .filter((block) => block.document === document && isTested(block))
    .map(({ mark, text }) => {
      const waiting = text.replaceAll(/^(ostiary serve .*&)$/gm, "$1\nuntil_ready");
      if (mark !== "exit-1") return waiting;
      const [last = "", ...before] = waiting.trimEnd().split("\n").reverse();
      return `${before.reverse().join("\n")}\nstatus=0; ${last} || status=$?; test "$status" = 1\n`;
    });
  return `set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT
until_ready() { for _ in $(seq 200); do (: < /dev/tcp/127.0.0.1/${PORT}) 2>/dev/null && return; sleep 0.1; done; exit 9; }
${steps.join("\n")}`;
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? found(address.port) : failed()));
    });
  });
}

/** Runs a document's commands in a folder of their own, with the project's policies and `ostiary` at hand. */
async function run(document: string) {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-docs-"));
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  const program = `#!/bin/sh\nexec "${process.execPath}" "${join(root, "src/runtime/node/bin.mjs")}" "$@"\n`;
  writeFileSync(join(bin, "ostiary"), program);
  chmodSync(join(bin, "ostiary"), 0o755);
  symlinkSync(join(root, "policies"), join(folder, "policies"));
  const script = scriptOf(document).replaceAll(PORT, String(await freePort()));
  try {
    const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}`, NO_COLOR: "1" };
    return spawnSync("bash", ["-c", script], { cwd: folder, env, encoding: "utf8", timeout: 100_000 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const hasCryptsetup = spawnSync("cryptsetup", ["--version"]).status === 0;
const needsCryptsetup = (document: string): boolean =>
  blocks.some((block) => block.document === document && isTested(block) && block.text.includes("cryptsetup"));

describe("documents", () => {
  for (const document of tested) {
    const isRunnable = hasCryptsetup || !needsCryptsetup(document);
    const name = `${document} works as written${isRunnable ? "" : " (no cryptsetup here)"}`;
    it.skipIf(!isRunnable)(
      name,
      async () => {
        const { status, stderr } = await run(document);
        expect(status, stderr.slice(-2000)).toBe(0);
      },
      120_000,
    );
  }

  it("leave only these commands untested", () => {
    const untested = blocks
      .filter((block) => !isTested(block))
      .map(({ document, mark }) => `${document}: ${mark}`);
    expect(untested).toEqual(UNTESTED);
  });

  it("link only to files that are there", () => {
    for (const document of documents) {
      const folder = document.startsWith("docs/") ? "docs" : ".";
      const text = readFileSync(join(root, document), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
        expect(() => readdirOrFile(join(root, folder, target)), `${document} → ${target}`).not.toThrow();
      }
    }
  });
});

function readdirOrFile(path: string): void {
  if (path.endsWith("/")) readdirSync(path);
  else readFileSync(path);
}
