/** Is the Dockerfile one, and does what it builds run without root, on a tree that nobody may write? Without a container engine. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dockerfile, DockerfileParser } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { afterAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const TEXT = readFileSync(join(ROOT, "Dockerfile"), "utf8");
const IGNORED = readFileSync(join(ROOT, ".dockerignore"), "utf8");
const isFull = process.env["FULL"] === "1";

interface Line {
  readonly keyword: string;
  readonly words: readonly string[];
}

function linesOf(dockerfile: Dockerfile): readonly Line[] {
  return dockerfile.getInstructions().map((instruction) => ({
    keyword: instruction.getKeyword(),
    words: instruction.getArguments().map((argument) => argument.getValue()),
  }));
}

/** The instructions of the stage that is run: from the last FROM on. */
function runStage(text: string): readonly Line[] {
  const lines = linesOf(DockerfileParser.parse(text));
  return lines.slice(lines.findLastIndex(({ keyword }) => keyword === "FROM"));
}

/** What is wrong with a Dockerfile of ours; empty for a good one. */
function mistakesIn(text: string): readonly string[] {
  const parsed = validate(text).map(({ message }) => String(message));
  const stages = linesOf(DockerfileParser.parse(text)).filter(({ keyword }) => keyword === "FROM");
  const last = runStage(text);
  const of = (keyword: string) => last.filter((line) => line.keyword === keyword);
  const [user] = of("USER");
  const rules: readonly (readonly [string, boolean])[] = [
    ["expected two stages", stages.length === 2],
    ["expected no RUN in the stage that is run", of("RUN").length === 0],
    ["expected a numeric user that is not root", /^[1-9]\d*:[1-9]\d*$/.test(user?.words[0] ?? "")],
    [
      "expected what is run to belong to root",
      /^COPY --from=build --chown=0:0 \/opt\/ostiary \/opt\/ostiary$/m.test(text),
    ],
    [
      "expected ENTRYPOINT and CMD without a shell",
      /^ENTRYPOINT \[/m.test(text) && !/^ *CMD [^[]/m.test(text),
    ],
    ["expected a health check", of("HEALTHCHECK").length === 1],
    ["expected SIGTERM", of("STOPSIGNAL").some(({ words }) => words[0] === "SIGTERM")],
    ["expected no ADD", !/^ADD /m.test(text)],
    ["expected no dev dependencies", text.includes('"--omit=dev"')],
    ["expected base images by tag", !/^ARG \w+_IMAGE=[^:\n]+(?::latest)?$/m.test(text)],
  ];
  return [...parsed, ...rules.flatMap(([mistake, isGood]) => (isGood ? [] : [mistake]))];
}

describe("the Dockerfile", () => {
  it("is understood to the last word, and keeps our rules", () => {
    expect(mistakesIn(TEXT)).toEqual([]);
  });

  it.each([
    ["a word that is none", "EXPOSE 8480", "EXPOSED 8480"],
    ["root", "USER 65532:65532", "USER 0:0"],
    ["a user by name", "USER 65532:65532", "USER nobody"],
    ["no user", "USER 65532:65532\n", ""],
    ["a program of the user", "--chown=0:0 ", ""],
    [
      "a shell",
      'CMD ["serve", "--data", "/var/lib/ostiary/broker"]',
      "CMD serve --data /var/lib/ostiary/broker",
    ],
    ["no health check", /HEALTHCHECK [^\n]*\n {2}CMD [^\n]*\n/, ""],
    ["another signal", "STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL"],
    ["dev dependencies", '"--omit=dev", ', ""],
    ["a moving base", ":24-trixie-slim", ":latest"],
    ["an archive from somewhere", "COPY src ./src", "ADD https://example.com/src.tar ./src"],
    ["a command in the stage that is run", "EXPOSE 8480", 'EXPOSE 8480\nRUN ["id"]'],
  ])("would be refused with %s", (_, from, to) => {
    const changed = TEXT.replace(from, to);
    expect(changed).not.toBe(TEXT);
    expect(mistakesIn(changed)).not.toEqual([]);
  });

  it("copies only what .dockerignore lets through, and all of that is there", () => {
    const let_ = IGNORED.split("\n").flatMap((line) => (line.startsWith("!") ? [line.slice(1)] : []));
    expect(IGNORED.split("\n").find((line) => !line.startsWith("#"))).toBe("*");
    expect([...copiedFiles()].sort()).toEqual([...let_].sort());
    for (const name of let_) expect(existsSync(join(ROOT, name)), name).toBe(true);
  });
});

/** The sources of each COPY out of the context. */
function copiedFiles(): readonly string[] {
  return linesOf(DockerfileParser.parse(TEXT)).flatMap(({ keyword, words }) =>
    keyword === "COPY" && !words.some((word) => word.startsWith("/")) ? words.slice(0, -1) : [],
  );
}

// ── what it builds ──────────────────────────────────────────────────────────────────────────────────────────────────

const USER = 65_532;
const isRoot = process.getuid?.() === 0;

/** In `npm run test:full`, as root, who alone can be somebody else. */
const describeBuilt = isFull && isRoot ? describe : () => undefined;

describeBuilt("what it builds", () => {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-image-"));
  const image = join(folder, "opt");
  const data = join(folder, "data");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const inImage = (word: string): string =>
    word.replace("/opt/ostiary", image).replace("/var/lib/ostiary", data);
  const asUser = {
    uid: USER,
    gid: USER,
    env: { NODE_ENV: "production", PATH: "/nowhere", HOME: "/nonexistent" },
  };

  /** The words in brackets of an instruction, as JSON has them. */
  const wordsOf = (keyword: string): readonly string[] => {
    const found = new RegExp(`${keyword} (\\[.*\\])$`, "m").exec(TEXT);
    return JSON.parse(found?.[1] ?? "[]").map(inImage);
  };

  it("is made by its own steps, has no dev dependency, and runs as nobody in particular", async () => {
    mkdirSync(image);
    for (const name of copiedFiles()) cpSync(join(ROOT, name), join(image, name), { recursive: true });
    const [npm = "", ...words] = wordsOf("^RUN");
    const built = spawnSync(npm, words, { cwd: image, encoding: "utf8" });
    expect(built.status, built.stderr).toBe(0);
    const lock: { readonly packages: Readonly<Record<string, { readonly dev?: boolean }>> } = JSON.parse(
      readFileSync(join(ROOT, "package-lock.json"), "utf8"),
    );
    const ofDevelopers = Object.keys(lock.packages).filter((path) => lock.packages[path]?.dev === true);
    expect(ofDevelopers.length).toBeGreaterThan(50);
    expect(ofDevelopers.filter((path) => existsSync(join(image, path)))).toEqual([]);
    for (const path of [folder, image]) spawnSync("chmod", ["-R", "a+rX,go-w", path]);
    mkdirSync(data);
    chownSync(data, USER, USER);

    const [node = "", ...entry] = wordsOf("^ENTRYPOINT");
    const port = await freePort();
    const init = [...entry, "init", "--data", join(data, "broker"), "--port", String(port), "--no-kds"];
    expect(spawnSync(node, init, { ...asUser, encoding: "utf8" }).status).toBe(0);
    const serve = wordsOf("^CMD");
    const broker = spawn(node, [...entry, ...serve], { ...asUser, stdio: ["ignore", "pipe", "pipe"] });
    try {
      await serving(broker);
      const [, ...health] = wordsOf("  CMD");
      const asked = spawnSync(node, health, { ...asUser, encoding: "utf8" });
      expect([asked.status, asked.stdout]).toEqual([0, "ready\n"]);
      const ended = new Promise((resolve) => broker.once("exit", resolve));
      broker.kill("SIGTERM");
      expect(await ended).toBe(0);
      expect(spawnSync(node, health, asUser).status).toBe(3);
    } finally {
      broker.kill("SIGKILL");
    }
  }, 240_000);
});

function serving(broker: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    broker.stderr?.on("data", (piece) => {
      said += String(piece);
    });
    broker.once("exit", () => reject(new Error(said)));
    broker.stdout?.on("data", (piece) => {
      if (String(piece).includes("serving")) resolve();
    });
  });
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
