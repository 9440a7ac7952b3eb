/** Is every command in the documents one that works as written? Each document is run from its first command to its last. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
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
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { MADE_FIRMWARE } from "../measurement/made-images.ts";
import { madeFirmware } from "../support/firmware-image.ts";
import { startProviderProcess } from "../support/openid-provider-beside.ts";
import { isPostgresHere, startPostgres } from "../support/postgres.ts";
import { endorsementOf, simulatedProvider } from "../support/provider.ts";
import { readVector, sharedVectors } from "../support/shared-vectors.ts";

const root = join(import.meta.dirname, "../..");
/** Ports that documents name; a run has its own in their place. */
const PORTS = ["8200", "8480", "8482", "8490", "8787", "2321"];

interface Block {
  readonly document: string;
  /** `sh` for commands, `text` for what is shown, anything else for what is neither. */
  readonly language: string;
  /** What stands behind the language on the fence. */
  readonly mark: string;
  readonly text: string;
}

const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith(".md"),
);
const written = [...documents, "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "policies/README.md"];

function fencesOf(document: string): readonly Block[] {
  const text = readFileSync(join(root, document), "utf8");
  return [...text.matchAll(/^```(\S*) *(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = "", mark = "", block = ""]) => ({ document, language, mark, text: block }),
  );
}

const fences = documents.flatMap(fencesOf);
const blocks = fences.filter(({ language }) => language === "sh");
const isUntested = ({ mark }: Block): boolean => mark.startsWith("no-test ");
/** A real report, with AMD's certificates, stands beside the project and never in it. */
const WITH_REPORT = "with-report";
/** An image of a VM lies where the document expects one: firmware, kernel and initrd. */
const WITH_IMAGE = "with-image";
const isRun = (block: Block): boolean =>
  !isUntested(block) && (block.mark !== WITH_REPORT || sharedVectors !== undefined);
const runOf = (document: string): readonly Block[] =>
  blocks.filter((block) => block.document === document && isRun(block));
const tested = documents.filter((document) => runOf(document).length > 0);

/** Commands that no test can run, and why: a new one is to be argued for here. */
const UNTESTED = [
  "README.md: no-test these run everything, this test too",
  "docs/attacks.md: no-test takes a minute for each row that is chosen",
  "docs/clouds.md: no-test needs a VM on Google Cloud",
  "docs/clouds.md: no-test needs the internet and a VM on Google Cloud",
  "docs/governance.md: no-test needs a security key, which test/runtime/node/key-page.full.test.ts has in a browser",
  "docs/governance.md: no-test needs a security key, which test/runtime/node/key-page.full.test.ts has in a browser",
  "docs/guests.md: no-test needs SEV-SNP hardware and device-mapper",
  "docs/guests.md: no-test needs a confidential VM of Azure's",
  "docs/guests.md: no-test needs a VM under an SVSM",
  "docs/initramfs.md: no-test the boots of test/pipeline/disk-boot.full.test.ts build it so",
  "docs/workers.md: no-test needs an account of Cloudflare's",
];

/** Where documents say that PostgreSQL's socket is; a run has a server of its own in its place. */
const POSTGRES = "/run/postgresql";
/** Databases that documents expect there, empty. */
const DATABASES = ["ostiary", "restored"];

/** Where documents say that a provider is; a run has one of its own in its place, at which somebody types each code. */
const PROVIDER = "https://idp.example";
const PERSON = "248289761001";

/** Programs that documents use and a machine may lack. */
const TOOLS = [
  { name: "clevis", ask: ["luks", "bind", "--summary"] },
  { name: "cryptsetup", ask: ["--version"] },
  { name: "curl", ask: ["--version"] },
  { name: "openssl", ask: ["version"] },
  { name: "softhsm2-util", ask: ["--version"] },
  { name: "swtpm", ask: ["--version"] },
].map((tool) => ({ ...tool, isHere: spawnSync(tool.name, tool.ask).status === 0 }));

/** Why a document cannot be run here, or not all of it. */
function lackOf(document: string): { readonly tools: readonly string[]; readonly note: string } {
  const own = blocks.filter((block) => block.document === document);
  const uses = (name: string): boolean =>
    own.some((block) => isRun(block) && new RegExp(`(^|\\s)${name} `, "m").test(block.text));
  const tools = TOOLS.filter(({ name, isHere }) => !isHere && uses(name)).map(({ name }) => name);
  if (hasPostgres(document) && !isPostgresHere) tools.push("postgresql");
  const isPartial = own.some(({ mark }) => mark === WITH_REPORT) && sharedVectors === undefined;
  const note = isPartial ? " (but for a real report: no ../shared/vectors here)" : "";
  return { tools, note: tools.length === 0 ? note : ` (no ${tools.join(", ")} here)` };
}

/** A broker in the background is waited for; the last command of a block marked `exit-N` must end with status N. */
function scriptOf(document: string): string {
  const steps = runOf(document).map(({ mark, text }) => {
    const waiting = text.replaceAll(
      /^(ostiary serve --data (\S+) .*&|ostiary serve --data (\S+) &)$/gm,
      "$1\nuntil_ready $2$3",
    );
    const [, status] = /^exit-(\d)$/.exec(mark) ?? [];
    if (status === undefined) return waiting;
    const [last = "", ...before] = waiting.trimEnd().split("\n").reverse();
    return `${before.reverse().join("\n")}\nstatus=0; ${last} || status=$?; test "$status" = ${status}\n`;
  });
  return `set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT
until_ready() { port=$(sed -n 's/^port = //p' "$1/ostiary.toml"); for _ in $(seq 200); do (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null && return; sleep 0.1; done; exit 9; }
${steps.join("\n")}`;
}

/** Puts a report of a real Milan processor and AMD's own certificates where a document expects them. */
function layReport(folder: string): void {
  const put = (name: string, ...parts: readonly Uint8Array[]): void =>
    writeFileSync(join(folder, name), Buffer.concat(parts));
  const real = (name: string): Uint8Array => readVector("snp/cases/v3-milan-vcek-05b7438a", name);
  put("report.bin", real("report.bin"));
  put("vcek.der", real("endorsements/vcek.der"));
  put("cert_chain.pem", real("endorsements/ask.pem"), real("endorsements/ark.pem"));
  put("crl.der", readVector("snp/amd/milan-06.crl.der"));
}

/** Puts an image where a document expects one, and a cloud's word on its own: firmware of our own making, since whoever tests has no other. */
function layImage(folder: string): void {
  writeFileSync(join(folder, "OVMF.fd"), madeFirmware(MADE_FIRMWARE));
  writeFileSync(join(folder, "vmlinuz"), "kernel");
  writeFileSync(join(folder, "initrd.img"), "initrd");
  writeFileSync(join(folder, "firmware.binarypb"), endorsementOf());
  writeFileSync(join(folder, "google-root.pem"), simulatedProvider().firmwareRoot);
}

/** What wrangler reads of a clone. */
function layWorker(folder: string): void {
  for (const name of ["wrangler.toml", "src", "migrations"])
    symlinkSync(join(root, name), join(folder, name));
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

/** wrangler asks nobody and reports to nobody. */
const QUIET = { CI: "1", WRANGLER_SEND_METRICS: "false" };

/** Runs a document's commands in a folder of their own, with the project's policies, its package and `ostiary` at hand. */
async function run(document: string) {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-docs-"));
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  for (const [name, script] of [
    ["ostiary", "src/runtime/node/bin.mjs"],
    ["wrangler", "node_modules/wrangler/bin/wrangler.js"],
  ] as const) {
    const program = `#!/bin/sh\nexec "${process.execPath}" "${join(root, script)}" "$@"\n`;
    writeFileSync(join(bin, name), program, { mode: 0o755 });
  }
  symlinkSync(process.execPath, join(bin, "node"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "ostiary"));
  symlinkSync(join(root, "policies"), join(folder, "policies"));
  if (runOf(document).some(({ text }) => text.includes("wrangler "))) layWorker(folder);
  if (runOf(document).some(({ mark }) => mark === WITH_REPORT)) layReport(folder);
  if (runOf(document).some(({ mark }) => mark === WITH_IMAGE)) layImage(folder);
  let script = scriptOf(document);
  const server = hasPostgres(document) ? await startPostgres() : undefined;
  for (const name of server === undefined ? [] : DATABASES) server?.psql(`create database ${name}`);
  if (server !== undefined) script = script.replaceAll(POSTGRES, server.host);
  const provider = await providerFor(document);
  script = script.replaceAll(PROVIDER, provider.issuer);
  for (const port of PORTS) script = script.replaceAll(port, String(await freePort())); // in order: each is bound once
  try {
    const env = { ...process.env, ...QUIET, PATH: `${bin}:${process.env["PATH"]}`, NO_COLOR: "1" };
    const ended = spawnSync("bash", ["-c", script], { cwd: folder, env, encoding: "utf8", timeout: 100_000 });
    return { ...ended, said: `${ended.stdout}\n${ended.stderr}`.replaceAll(provider.issuer, PROVIDER) };
  } finally {
    provider.stop();
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function providerFor(document: string): ReturnType<typeof startProviderProcess> {
  const isAsked = runOf(document).some(({ text }) => text.includes(PROVIDER));
  return isAsked ? startProviderProcess(PERSON) : { issuer: PROVIDER, stop: () => undefined };
}

function hasPostgres(document: string): boolean {
  return runOf(document).some(({ text }) => text.includes(POSTGRES));
}

/** What a document shows as printed: `text said` fences, each of which must be in what its commands print. */
const shownBy = (document: string): readonly string[] =>
  fences
    .filter((fence) => fence.document === document && fence.language === "text" && fence.mark === "said")
    .map(({ text }) => text.trimEnd());

/** The others take minutes: `npm run test:full` runs them, which CI calls. */
const EVERYDAY = ["README.md", "docs/guests.md"];
const now = process.env["FULL"] === undefined ? tested.filter((name) => EVERYDAY.includes(name)) : tested;

describe("documents", () => {
  for (const document of now) {
    const { tools, note } = lackOf(document);
    it.skipIf(tools.length > 0)(
      `${document} works as written${note}`,
      async () => {
        const { status, said, stderr } = await run(document);
        expect(status, stderr.slice(-2000)).toBe(0);
        for (const shown of shownBy(document)) expect(said).toContain(shown);
      },
      120_000,
    );
  }

  it("leave only these commands untested", () => {
    expect(blocks.filter(isUntested).map(({ document, mark }) => `${document}: ${mark}`)).toEqual(UNTESTED);
  });

  it("mark a block of commands with a word that means something", () => {
    const known = /^($|no-test \S|exit-[1-3]$|with-report$|with-image$)/;
    expect(blocks.filter(({ mark }) => !known.test(mark))).toEqual([]);
    const shown = fences.filter(({ mark, language }) => mark !== "" && language !== "sh");
    expect(shown.filter(({ mark, language }) => `${language} ${mark}` !== "text said")).toEqual([]);
  });

  it("show what was printed only where commands run", () => {
    const silent = documents.filter((document) => shownBy(document).length > 0 && !tested.includes(document));
    expect(silent).toEqual([]);
  });

  it("hide no command in a fence of another language", () => {
    const command = /^\s*(\$ |(ostiary|npx|npm|curl|openssl|cryptsetup) )/m;
    const hidden = fences.filter(({ language, text }) => language !== "sh" && command.test(text));
    expect(hidden).toEqual([]);
  });

  it("link only to files that are there", () => {
    for (const document of written) {
      const text = readFileSync(join(root, document), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
        const path = join(root, dirname(document), target);
        expect(existsSync(path), `${document} → ${target}`).toBe(true);
      }
    }
  });

  it("name only source files that are there", () => {
    for (const document of written) {
      const text = readFileSync(join(root, document), "utf8");
      for (const [, path = ""] of text.matchAll(/`((?:[\w-]+\/)+[\w.-]*\.(?:ts|mjs|sql))`/g)) {
        const isThere = [root, join(root, "src")].some((folder) => existsSync(join(folder, path)));
        expect(isThere, `${document} → ${path}`).toBe(true);
      }
    }
  });

  it("name each function of the release in the file that holds it", () => {
    const rows = readFileSync(join(root, "ARCHITECTURE.md"), "utf8").matchAll(
      /^\| `(\w+)` \| `([\w/-]+\.ts)` \|/gm,
    );
    const steps = [...rows].map(([, name = "", path = ""]) => ({ name, path }));
    expect(steps.length).toBeGreaterThan(10);
    for (const { name, path } of steps) {
      const source = readFileSync(join(root, "src", path), "utf8");
      expect(new RegExp(`function ${name}\\b`).test(source), `${name} in ${path}`).toBe(true);
    }
  });
});
