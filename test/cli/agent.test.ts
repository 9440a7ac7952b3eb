import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { FAULT_CODES, type FaultCode } from "../../src/base/fault-codes.ts";
import type { SecretRequest } from "../../src/cli/agent-session.ts";
import { type ExitStatus, exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { type AgentEdges, createAgentCommand } from "../../src/cli/commands/agent.ts";

const PINS = "--broker http://127.0.0.1:8480/ --signing-key key.pem";
/** What a file of the guest says of its machine and its brokers. */
const MACHINE = { provider: "configfs-tsm", vmpl: "2", "host-vtpm": true };
const FILE = {
  broker: ["https://file.example"],
  "signing-key": "/etc/ostiary/file.pem",
  "tls-ca": "/etc/ostiary/ca.pem",
  ...MACHINE,
};
const SECOND = { broker: ["https://second.example"], "signing-key": "/etc/ostiary/second.pem", ...MACHINE };
const DECISION = "01KB0000000000000000000001";

interface Ended {
  readonly status: number;
  readonly out: string;
  /** On standard error. */
  readonly said: string;
  readonly requests: readonly SecretRequest[];
  readonly places: readonly unknown[];
  readonly plans: readonly unknown[];
  /** The plaintext as the verb left it. */
  readonly secrets: readonly Uint8Array[];
}

interface Plan {
  readonly isTty?: boolean;
  readonly edges?: Partial<AgentEdges>;
}

const WELL = { id: "kernel.version", severity: "ok", seen: "6.12", expected: "6.7" } as const;

/** The verb alone: every secret is released as its own path in text. */
async function run(words: string, { isTty = false, edges = {} }: Plan = {}): Promise<Ended> {
  let [out, said] = ["", ""];
  const [requests, places, secrets]: [SecretRequest[], unknown[], Uint8Array[]] = [[], [], []];
  const plans: unknown[] = [];
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      said += text;
    },
    isTty,
    readFile: () => Promise.reject(new Fault("file/unusable", "this verb reads no file")),
    writeFile: () => Promise.reject(new Fault("file/unusable", "this verb writes no file")),
  };
  const command = createAgentCommand({
    fetchSecrets: async (request) => {
      requests.push(request);
      const paths = request.want.map((item) => ("secret" in item ? item.secret : ""));
      const released = paths.map((secretId) => ({ secretId, version: 1, secret: utf8(secretId) }));
      secrets.push(...released.map(({ secret }) => secret));
      return { decision: DECISION, secrets: released };
    },
    confirmUse: async ({ confirmation: { version } }) => ({ replaced: [version - 1] }),
    giveBack: async () => {},
    fetchToken: async ({ aud, cnf }) => {
      const token = utf8(`token for ${aud} and ${cnf.x}`);
      secrets.push(token);
      return { decision: DECISION, token };
    },
    makeKey: async () => {
      const pem = utf8("private key");
      secrets.push(pem);
      return { jwk: { kty: "OKP", crv: "Ed25519", x: "new" }, pem };
    },
    publicHalfOf: async (file) => ({ kty: "OKP", crv: "Ed25519", x: `half of ${file}` }),
    publicKeyOf: async (file) => ({ kty: "OKP", crv: "Ed25519", x: file }),
    putSecret: async () => ({ decision: DECISION, version: 2 }),
    useTransit: () => Promise.reject(new Fault("broker/unreachable", "this broker has no transit keys")),
    writeSecrets: async (_, format, place) => void places.push({ format, ...place }),
    examine: async () => ({ findings: [WELL], posture: { v: 1 } }),
    agentFile: async (path) => (path === undefined ? undefined : { path, brokers: [FILE, SECOND] }),
    usualFile: "/etc/ostiary/agent.toml",
    inspectAgent: async () => {},
    serveAgent: async () => 0,
    unlockVolume: async ({ plan, onRelease }) => {
      plans.push(plan);
      onRelease({ decision: DECISION, secrets: [] });
      const { device, secret } = plan;
      const done = {
        decision: DECISION,
        how: "marked",
        epoch: 0,
        hasFileSystemMade: false,
        versions: [1],
      } as const;
      return { device, secret, uuid: "6c1f7fd6", version: 1, ...done };
    },
    clevis: {
      seal: async (plaintext, { path, version }) => `${path}@${version} ${plaintext.length}`,
      secretOf: async () => ({ path: "a/b", version: 3 }),
      open: async (_, secret) => secret.slice(),
    },
    rekeyVolume: async ({ plan }) => {
      plans.push(plan);
      return { ...plan, uuid: "6c1f7fd6", version: 2, retired: [1] };
    },
    exec: async () => 0,
    ...edges,
  });
  try {
    const status = await command.run(words.split(" "), terminal);
    return { status, out, said, requests, places, plans, secrets };
  } catch (thrown) {
    const status = exitStatusOf(thrown, (fault) => FAULT_CODES[fault.code].status);
    return { status, out, said, requests, places, plans, secrets };
  }
}

describe("ostiary agent token", () => {
  it("writes the key first, then the token, and overwrites both", async () => {
    const words = `token urn:sts --key-out /run/key.pem --fd 3 ${PINS}`;
    const { status, places, secrets } = await run(words);
    expect({ status, places }).toEqual({
      status: 0,
      places: [
        { format: "raw", file: "/run/key.pem" },
        { format: "raw", fd: 3 },
      ],
    });
    expect(secrets.flatMap((bytes) => [...bytes]).every((byte) => byte === 0)).toBe(true);
  });

  it("writes no key where it is somebody else's or nobody's, and nothing at all with --json alone", async () => {
    const words = ["--public-key a.pem --fd 3", "--no-key --fd 3", "--key-out /run/key.pem --json"];
    const written = [];
    for (const rest of words) written.push((await run(`token urn:sts ${rest} ${PINS}`)).places); // one after the other
    expect(written).toEqual([[{ format: "raw", fd: 3 }], [{ format: "raw", fd: 3 }], []]);
  });

  it("overwrites the key also where no token came", async () => {
    const fetchToken = async () => {
      throw new Fault("policy/denied", "no");
    };
    const ended = await run(`token urn:sts --key-out /run/key.pem --fd 3 ${PINS}`, { edges: { fetchToken } });
    expect({ status: ended.status, places: ended.places }).toEqual({ status: 1, places: [] });
    expect(ended.secrets.flatMap((bytes) => [...bytes]).every((byte) => byte === 0)).toBe(true);
  });
});

describe("ostiary agent doctor", () => {
  const bad = { ...WELL, id: "snp.active", severity: "error", next: "start it so" } as const;

  it("ends with 0 where no finding is an error and with 1 where one is, and says what to do last", async () => {
    const warned = { ...bad, severity: "warning" } as const;
    expect(await run("doctor")).toMatchObject({ status: 0, out: expect.stringContaining("kernel.version") });
    const ended = await run("doctor", {
      edges: { examine: async () => ({ findings: [warned, WELL], posture: {} }) },
    });
    expect(ended).toMatchObject({
      status: 0,
      out: expect.stringMatching(/start it so\n\n2 looked at: 0 errors, 1 warnings\n$/),
    });
    const edges = { examine: async () => ({ findings: [bad, WELL], posture: { v: 1 } }) };
    expect((await run("doctor", { edges })).status).toBe(1);
    const json = await run("doctor --json", { edges });
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toEqual({
      errors: 1,
      warnings: 0,
      findings: [bad, WELL],
      posture: { v: 1 },
    });
  });

  it("examines with brokers or without, by the floor that it is told, and takes no other word", async () => {
    const asked: unknown[] = [];
    const edges: Partial<AgentEdges> = {
      examine: async ({ brokers, floor, devices, root, machine }) => {
        asked.push([brokers?.brokers, floor, [root, ...devices], machine.provider]);
        return { findings: [], posture: {} };
      },
    };
    await run("doctor", { edges });
    await run(`doctor --floor snp=24,microcode=219 --device /dev/vdb --device /dev/vdc --root /mnt ${PINS}`, {
      edges,
    });
    expect(asked).toEqual([
      [undefined, undefined, ["/"], "auto"],
      [["http://127.0.0.1:8480"], { snp: 24, microcode: 219 }, ["/mnt", "/dev/vdb", "/dev/vdc"], "auto"],
    ]);
    for (const words of [
      "doctor now",
      "doctor --floor snp",
      "doctor --floor snp=999",
      "doctor --floor size=1",
    ]) {
      expect((await run(words, { edges })).status).toBe(2);
    }
    expect(asked).toHaveLength(2);
  });
});

describe("ostiary agent", () => {
  const misuse: readonly string[] = [
    "",
    "steal prod/disk",
    "get",
    "get prod/disk --fd 0",
    "get prod/disk --fd x",
    "get prod/disk --fd 3 --out /dev/shm/key",
    "get prod/disk --fd 1 --json",
    "get prod/disk --format pem",
    "get prod/disk prod/words",
    "get prod/disk prod/words --format hex --version 1",
    "get prod/disk --version 0",
    "get prod/disk --vmpl 4",
    "get prod/disk --deadline soon",
    "get prod/disk --spread -1",
    "get prod/disk --broker http://127.0.0.2:8480",
    "get prod/disk --audience urn:cluster --broker https://127.0.0.2:8480",
    "get prod/disk --provider tpm",
    "get prod/disk --provider simulator",
    "get prod/disk --provider azure-vtpm --host-vtpm",
    "get prod/disk --provider svsm --host-vtpm",
    "get prod/disk --svsm-vtpm",
    "get prod/disk --provider azure-vtpm --svsm-vtpm",
    "get prod/disk --provider configfs-tsm --svsm-vtpm",
    "get prod/disk --plaintext x",
    "get prod/disk --broker ftp://broker.example",
    "unlock --device /dev/vdb --secret prod/disk",
    "unlock --device /dev/vdb --name -x --secret prod/disk",
    "unlock --device /dev/vdb --name a/b --secret prod/disk",
    "unlock --name data --secret prod/disk",
    "unlock --device /dev/vdb --name data",
    "unlock prod/disk --device /dev/vdb --name data --secret prod/disk",
  ];
  it.each(misuse)("calls `%s` misuse and asks for no secret", async (words) => {
    const [verb = "", ...rest] = words.split(" ");
    const { status, requests } = await run([verb, PINS, ...rest].join(" "));
    expect({ status, requests }).toEqual({ status: 2, requests: [] });
  });

  it("needs to be told which broker to trust, and takes nothing for granted but its own words", async () => {
    expect((await run("get a --signing-key key.pem")).status).toBe(2);
    expect((await run("get a --broker https://broker.example")).status).toBe(2);
    const { requests } = await run(`get a ${PINS}`);
    expect(requests[0]?.options).toEqual({
      brokers: ["http://127.0.0.1:8480"],
      audience: "http://127.0.0.1:8480",
      signingKeyFile: "key.pem",
      provider: "auto",
      deadlineSeconds: 60,
      spreadSeconds: 0,
      attestsAlways: false,
      sendsPosture: false,
      others: [],
      suite: 1,
      binding: 3,
    });
  });

  it("asks several brokers of one cluster, as long as it takes where it is told so, at a moment drawn from its spread", async () => {
    const more = "--broker http://127.0.0.2:8480 --broker http://127.0.0.2:8480/ --audience urn:cluster";
    const { requests } = await run(`get a ${PINS} ${more} --deadline none --spread 90`);
    expect(requests[0]?.options).toMatchObject({
      brokers: ["http://127.0.0.1:8480", "http://127.0.0.2:8480"],
      audience: "urn:cluster",
      deadlineSeconds: Infinity,
      spreadSeconds: 90,
    });
    const many = Array.from({ length: 16 }, (_, index) => `--broker http://127.0.0.9:${index + 1}`).join(" ");
    expect(await run(`get a ${PINS} --audience urn:cluster ${many}`)).toMatchObject({
      status: 2,
      requests: [],
    });
  });

  it("takes from the file what the options leave out, and says which option stands in the place of the file's", async () => {
    const plain = await run("get a --config f.toml");
    expect(plain.said).not.toContain("f.toml");
    expect(plain.requests[0]?.options).toMatchObject({
      brokers: ["https://file.example"],
      others: [{ brokers: ["https://second.example"], signingKeyFile: "/etc/ostiary/second.pem" }],
      audience: "https://file.example",
      signingKeyFile: "/etc/ostiary/file.pem",
      vmpl: 2,
    });
    const { said, requests } = await run("get a --config f.toml --vmpl 1 --tls-ca /etc/ostiary/ca.pem");
    expect(requests[0]?.options).toMatchObject({ brokers: ["https://file.example"], vmpl: 1 });
    expect(said).toContain("--vmpl stands in the place of what f.toml says");
    expect(said).not.toContain("--tls-ca");
  });

  it("takes no key that the file pins for its broker as the key of another", async () => {
    const other = "get a --config f.toml --broker https://other.example";
    expect(await run(other)).toMatchObject({ status: 2, requests: [] });
    const { said, requests } = await run(`${other} --signing-key other.pem`);
    expect(said).toContain("--broker is given: no broker of f.toml counts");
    expect(requests[0]?.options).toEqual({
      brokers: ["https://other.example"],
      others: [],
      audience: "https://other.example",
      signingKeyFile: "other.pem",
      provider: "configfs-tsm",
      deadlineSeconds: 60,
      spreadSeconds: 0,
      attestsAlways: false,
      sendsPosture: false,
      suite: 1,
      binding: 2,
      vmpl: 2,
      asksHostVtpm: true,
    });
  });

  it("writes to no terminal unless it is told to", async () => {
    expect(await run(`get a ${PINS}`, { isTty: true })).toMatchObject({ status: 2, requests: [] });
    const told = await run(`get a --fd 1 ${PINS}`, { isTty: true });
    expect(told).toMatchObject({ status: 0, places: [{ format: "raw", fd: 1 }] });
    expect((await run(`get a ${PINS}`)).places).toEqual([{ format: "raw", fd: 1 }]);
  });

  it("writes where it is told, and with --json alone nowhere", async () => {
    expect((await run(`get a --out /run/key --format hex ${PINS}`)).places).toEqual([
      { format: "hex", file: "/run/key" },
    ]);
    expect(await run(`get a --json ${PINS}`)).toMatchObject({ status: 0, places: [] });
  });

  it("binds to the connection over https and to the key over http, and never to another than it is told", async () => {
    const tls = "--broker https://broker.example --signing-key key.pem";
    expect((await run(`get a ${tls}`)).requests[0]?.options.binding).toBe(2);
    expect((await run(`get a --binding application ${tls}`)).requests[0]?.options.binding).toBe(3);
    expect((await run(`get a --binding ra-tls ${tls}`)).requests[0]?.options.binding).toBe(1);
    const { requests } = await run(`get a --tls-ca ca.pem --tls-pin pin.pem ${tls}`);
    expect(requests[0]?.options).toMatchObject({ tlsAuthoritiesFile: "ca.pem", tlsPinFile: "pin.pem" });
    for (const words of [
      `get a --binding tls-exporter ${PINS}`,
      `get a --binding application --tls-ca ca.pem ${tls}`,
      `get a --tls-pin pin.pem ${PINS}`,
      `get a --binding ra-tls ${PINS}`,
      `get a --binding mutual-tls ${tls}`,
    ]) {
      expect(await run(words)).toMatchObject({ status: 2, requests: [] });
    }
  });

  it("asks for the wrap it is told, and for no wrap that there is not", async () => {
    const { requests } = await run(`get a --wrap hpke-xwing ${PINS}`);
    expect(requests[0]?.options.suite).toBe(2);
    const jose = await run(`get a --wrap jwe-p256 ${PINS}`);
    expect(jose.requests[0]?.options.suite).toBe(3);
    expect(await run(`get a --wrap rot13 ${PINS}`)).toMatchObject({ status: 2, requests: [] });
  });

  it("asks for the version it is told", async () => {
    expect((await run(`get a --version 7 ${PINS}`)).requests[0]?.want).toEqual([{ secret: "a", version: 7 }]);
  });

  const failing = (code: FaultCode): Partial<AgentEdges> => ({
    unlockVolume: () => Promise.reject(new Fault(code, "no")),
  });
  const outcomes: readonly (readonly [string, Partial<AgentEdges>, ExitStatus])[] = [
    ["a volume that opens", {}, 0],
    ["a key that does not fit", failing("disk/wrong-key"), 1],
    ["a header that is none of ours", failing("disk/forged"), 1],
    ["a device that fails", failing("file/unusable"), 3],
    ["a refusal", failing("policy/denied"), 1],
    ["a broker that is away", failing("broker/unreachable"), 3],
    ["a forged answer", failing("channel/bad-release"), 1],
  ];
  it.each(outcomes)("after %s ends with its own status", async (_, edges, status) => {
    const ended = await run(`unlock --device /dev/vdb --name data --secret a/b ${PINS}`, { edges });
    expect(ended.status).toBe(status);
  });

  it("opens as it is told, and takes no words that it would ignore", async () => {
    const words = "unlock --device /dev/vdb --secret a/b";
    const { plans } = await run(`${words} --name data --format-on-grant --overwrite --mkfs ext4 ${PINS}`);
    expect(plans).toEqual([
      {
        device: "/dev/vdb",
        name: "data",
        secret: "a/b",
        adopt: false,
        formatOnGrant: true,
        overwrite: true,
        mkfs: "ext4",
        integrity: false,
        isCounted: false,
      },
    ]);
    const tried = await run(`${words} --test-passphrase --adopt --version 3 --integrity hmac-sha256 ${PINS}`);
    expect(tried.plans).toMatchObject([{ adopt: true, version: 3, integrity: true }]);
    for (const senseless of [
      "",
      "--name ../data",
      "--name data --version 2",
      "--name data --adopt --format-on-grant",
      "--name data --overwrite",
      "--name data --accept-epoch 3",
      "--name data --mkfs ext4",
      "--name data --format-on-grant --mkfs vfat",
      "--name data --format-on-grant --integrity hmac-sha256",
      "--name data --integrity crc32",
    ]) {
      expect(await run(`${words} ${senseless} ${PINS}`.replaceAll("  ", " "))).toMatchObject({
        status: 2,
        plans: [],
      });
    }
  });

  it("brings a disk to the newest version, and takes no other", async () => {
    const words = "rekey --device /dev/vdb --secret a/b";
    const { status, plans } = await run(`${words} --integrity hmac-sha256 ${PINS}`);
    expect({ status, plans }).toEqual({
      status: 0,
      plans: [{ device: "/dev/vdb", secret: "a/b", integrity: true }],
    });
    for (const senseless of [
      `${words} --version 2`,
      `${words} --integrity crc32`,
      "rekey --device /dev/vdb",
    ]) {
      expect(await run(`${senseless} ${PINS}`)).toMatchObject({ status: 2, plans: [] });
    }
  });

  it("overwrites plaintext also where writing it fails", async () => {
    const edges: Partial<AgentEdges> = {
      writeSecrets: () => Promise.reject(new Fault("file/unusable", "no")),
    };
    const { status, secrets } = await run(`get abc ${PINS}`, { edges });
    expect({ status, secrets }).toEqual({ status: 3, secrets: [new Uint8Array(3)] });
  });
});
