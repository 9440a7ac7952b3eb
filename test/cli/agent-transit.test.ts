/** Does `agent transit` ask for what its words say, and put what comes where it may go? The verb alone, over a broker that is handed in. */
import { describe, expect, it } from "vitest";
import { parseUtf8, utf8 } from "../../src/base/bytes.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import { type ExitStatus, exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { runTransit, type TransitRequest } from "../../src/cli/commands/agent-transit.ts";

const PINS = "--broker http://127.0.0.1:8480/ --signing-key key.pem";
const DECISION = "01KB0000000000000000000001";
const TEXT = "ostiary:v2:AAAA";

interface Ended {
  readonly status: ExitStatus;
  readonly out: string;
  readonly asked: readonly TransitRequest[];
  readonly places: readonly unknown[];
  readonly files: ReadonlyMap<string, string>;
  /** As the verb left them. */
  readonly results: readonly Uint8Array[];
  readonly input: Uint8Array;
}

interface Plan {
  readonly input?: string;
  readonly results?: readonly string[];
  readonly isTty?: boolean;
}

async function run(
  words: string,
  { input = "in", results = [TEXT], isTty = false }: Plan = {},
): Promise<Ended> {
  let out = "";
  const [asked, places]: [TransitRequest[], unknown[]] = [[], []];
  const files = new Map<string, string>();
  const [read, given] = [utf8(input), results.map((text) => utf8(text))];
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: () => {},
    isTty,
    readFile: async () => read,
    writeFile: async (path, bytes) => void files.set(path, parseUtf8(bytes) ?? ""),
  };
  const edges = {
    useTransit: async (request: TransitRequest) => {
      // What the broker was given, before the verb overwrites it.
      asked.push({ ...request, item: structuredClone(request.item) });
      return { decision: DECISION, results: given };
    },
    agentFile: async () => undefined,
    writeSecrets: async (secrets: readonly Uint8Array[], _: "raw", place: object) =>
      void places.push({ ...place, secrets: secrets.map((secret) => parseUtf8(secret)) }),
  };
  const ended = { asked, places, files, results: given, input: read };
  try {
    const status = await runTransit(words.split(" "), edges, terminal);
    return { ...ended, status, out };
  } catch (thrown) {
    const status = exitStatusOf(thrown, (fault) => FAULT_CODES[fault.code].status);
    return { ...ended, status, out };
  }
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

describe("ostiary agent transit", () => {
  it("encrypts standard input, prints the text, and overwrites what it read", async () => {
    const { status, out, asked, input } = await run(`encrypt prod/cards --context row7 ${PINS}`);
    expect([status, out]).toEqual([0, `${TEXT}\n`]);
    const item = { operation: "encrypt", plaintext: utf8("in"), context: utf8("row7") };
    expect(asked).toMatchObject([{ path: "prod/cards", item }]);
    expect(isZero(input)).toBe(true);
  });

  it("decrypts to a descriptor and never to a terminal, and overwrites what came", async () => {
    const plan = { input: `${TEXT}\n`, results: ["plain"] };
    const { status, out, places, asked, results } = await run(`decrypt prod/cards --fd 3 ${PINS}`, plan);
    expect([status, out, places]).toEqual([0, "", [{ fd: 3, secrets: ["plain"] }]]);
    expect(asked).toMatchObject([{ item: { operation: "decrypt", made: { version: 2 } } }]);
    expect(results.every(isZero)).toBe(true);
    expect((await run(`decrypt prod/cards ${PINS}`, { ...plan, isTty: true })).status).toBe(2);
  });

  it("writes a data key to its place and the wrapped form to a file", async () => {
    const words = `datakey prod/cards --size 16 --wrapped key.wrapped --out /run/key ${PINS}`;
    const { status, places, files, asked } = await run(words, { results: ["0123456789abcdef", TEXT] });
    expect([status, places]).toEqual([0, [{ file: "/run/key", secrets: ["0123456789abcdef"] }]]);
    expect([...files]).toEqual([["key.wrapped", `${TEXT}\n`]]);
    expect(asked).toMatchObject([{ item: { operation: "datakey", size: 16, isWrappedOnly: false } }]);
  });

  it("prints the wrapped form of a data key that stays at the broker", async () => {
    const { status, out, places, asked } = await run(`datakey prod/cards --wrapped-only ${PINS}`, {
      results: ["", TEXT],
      isTty: true,
    });
    expect([status, out, places]).toEqual([0, `${TEXT}\n`, []]);
    expect(asked).toMatchObject([{ item: { operation: "datakey", size: 32, isWrappedOnly: true } }]);
  });

  it.each([
    ["sign prod/key --padding pkcs1", { operation: "sign", padding: "pkcs1" }],
    ["hmac prod/key", { operation: "hmac" }],
  ])("prints what `%s` makes", async (words, item) => {
    const { status, out, asked } = await run(`${words} ${PINS}`);
    expect([status, out]).toEqual([0, `${TEXT}\n`]);
    expect(asked).toMatchObject([{ item: { ...item, message: utf8("in") } }]);
  });

  it.each([
    ["\u0001", 0, true],
    ["\u0000", 1, false],
  ] as const)("ends by what the key says of a text: %j gives %i", async (result, status, verified) => {
    const words = `verify prod/key --made ${TEXT} --json ${PINS}`;
    const ended = await run(words, { results: [result] });
    expect(ended.status).toBe(status);
    expect(JSON.parse(ended.out)).toEqual({ decision: DECISION, verified });
  });

  it.each([
    `export prod/key ${PINS}`,
    `encrypt ${PINS}`,
    `encrypt prod/key other ${PINS}`,
    `encrypt prod/key --fd 3 ${PINS}`,
    `encrypt prod/key --version 1 ${PINS}`,
    `sign prod/key --context a ${PINS}`,
    `sign prod/key --padding oaep ${PINS}`,
    `verify prod/key ${PINS}`,
    `datakey prod/key --fd 3 ${PINS}`,
    `datakey prod/key --wrapped-only --fd 3 ${PINS}`,
    `datakey prod/key --wrapped-only --wrapped key ${PINS}`,
    `encrypt prod/key --wrapped-only ${PINS}`,
    `hmac prod/key --padding pss ${PINS}`,
  ])("takes `%s` for misuse, and asks nothing", async (words) => {
    const { status, asked } = await run(words);
    expect([status, asked]).toEqual([2, []]);
  });

  it("says an honest no to what no key made", async () => {
    expect(await run(`decrypt prod/key --fd 3 ${PINS}`, { input: "vault:v1:AAAA" })).toMatchObject({
      status: 1,
      asked: [],
    });
  });
});
