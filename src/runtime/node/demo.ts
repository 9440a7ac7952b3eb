/** What is the whole story? A broker, a guest that proves itself and gets its key, one that does not, and a log that holds. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDisk } from "../../agent/luks/disk.ts";
import { openVolume } from "../../agent/luks/open.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { hexOf } from "../../base/bytes.ts";
import { type Fault, isFault } from "../../base/fault.ts";
import { advanceCheckpoint } from "../../broker/checkpoints.ts";
import { decisionOf } from "../../broker/decisions.ts";
import type { Command, ExitStatus, Terminal } from "../../cli/command.ts";
import { createDemoCommand } from "../../cli/commands/demo.ts";
import { explainedItems } from "../../cli/explained-items.ts";
import { fetchSecrets } from "../../client/fetch.ts";
import { SIMULATOR_ROOT_FILE } from "../../simulator/chip-folder.ts";
import { brokersOf, fetchPartsOf } from "./asking.ts";
import { type RunningBroker, startBroker } from "./broker.ts";
import { type DemoFolder, makeDemoFolder } from "./demo-folder.ts";
import { DATA_FILES } from "./init.ts";
import { nodePrimitives } from "./primitives.ts";
import { loadConfig } from "./settings.ts";
import { createSimulatedBroker, createSimulatorProvider, type SimulatedGuest } from "./simulator-provider.ts";
import { untilSignal } from "./until-signal.ts";

export function createNodeDemoCommand(): Command {
  return createDemoCommand({ tell });
}

interface Story {
  readonly demo: DemoFolder;
  readonly broker: RunningBroker;
  readonly say: (text: string) => void;
}

const DEADLINE_MS = 20_000;
const HOST = "127.0.0.1";
const BROKER_POLICY = join(import.meta.dirname, "../../../policies/guest/broker.writ");

async function tell(
  options: { readonly isOnce: boolean; readonly port: number },
  terminal: Terminal,
): Promise<ExitStatus> {
  const folder = await mkdtemp(join(tmpdir(), "ostiary-demo-"));
  const say = (text: string): void => terminal.out(`${text}\n`);
  try {
    say("Ostiary: the first release\n\nsetting up");
    const demo = await makeDemoFolder(join(folder, "broker"), {
      port: options.port,
      tlsName: HOST,
      onStep: (text) => say(`  ${text}`),
    });
    const broker = await startBroker(await loadConfig(demo.configPath), {
      writeLog: () => undefined,
      simulator: createSimulatedBroker,
    });
    try {
      say(`  the broker listens on ${broker.url}`);
      await tellStory({ demo, broker, say });
      if (!options.isOnce) await stayUp({ demo, broker, say });
    } finally {
      await broker.close();
    }
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function tellStory(story: Story): Promise<void> {
  const key = await tellRelease(story);
  try {
    await tellDisk(key, story);
  } finally {
    key.fill(0);
  }
  await tellRefusal(story, "a guest that runs another image", { measurement: new Uint8Array(48).fill(0x66) });
  await tellRefusal(story, "the same guest, started with its memory open to the host (DEBUG)", {
    policy: 0xb0000n,
  });
  await tellLedger(story);
}

/** A good guest asks over TLS, and opens what only it can open. */
async function tellRelease({ demo, broker, say }: Story): Promise<Uint8Array> {
  say("\na guest boots on the simulated chip and asks for its disk key");
  const { decision, secrets, broker: proven } = await askAs({}, { demo, broker, isFresh: true });
  const [release] = secrets;
  if (release === undefined || proven === undefined) throw new Error("a release without a secret or a proof");
  say("  connected     TLS 1.3, to a certificate of the broker's own authority");
  say("  the broker    proved itself first: a report over the guest's nonce and this connection (tier 2)");
  say(
    `                measurement ${proven.measurement.slice(0, 16)}…, ${proven.product}, ${proven.reportedTcb}`,
  );
  say("                policies/guest/broker.writ, the guest's own policy, says yes; no key is pinned");
  say("  challenge     a nonce, good for one door and a minute");
  say(
    "  evidence      a report whose REPORT_DATA is the SHA-512 of this exchange, its TLS exporter included; VCEK, ASK, ARK, CRL",
  );
  say(
    "  verified      signature, chain to the simulator's root, revocation, certificate against report, binding",
  );
  say("  appraised     policies/demo.writ says yes");
  say(`  recorded      decision ${decision}`);
  say(
    `  released      ${release.secretId} version ${release.version}, ${release.secret.length} bytes, sealed to this request's key`,
  );
  say(
    `  the guest     checked the signature of the key that the broker proved, opened it: SHA-256 ${fingerprintOf(release.secret)}…`,
  );
  return release.secret;
}

/** A real LUKS2 image where cryptsetup is at hand; where there is no device mapper the key is tried on it. */
async function tellDisk(key: Uint8Array, { demo, say }: Story): Promise<void> {
  if (spawnSync("cryptsetup", ["--version"]).status !== 0) {
    say("\nno cryptsetup here: install it, and the key opens a LUKS2 image too");
    return;
  }
  const image = join(demo.folder, "disk.img");
  await writeFile(image, "");
  await truncate(image, 32 << 20);
  const words = [
    "luksFormat",
    "--batch-mode",
    "--type",
    "luks2",
    "--pbkdf",
    "pbkdf2",
    "--pbkdf-force-iterations",
    "1000",
  ];
  const made = spawnSync("cryptsetup", [...words, "--key-file", "-", image], { input: key });
  if (made.status !== 0) {
    say("\ncryptsetup could not make a LUKS2 image here");
    return;
  }
  const head = await readDisk(image, nodePrimitives);
  const opens = (secret: Uint8Array): Promise<boolean> =>
    openVolume(
      head,
      { slot: "0", secret },
      { target: { device: image }, parts: { primitives: nodePrimitives } },
    );
  const isOpen = await opens(key);
  const isShut = !(await opens(Uint8Array.from(key, (byte) => byte ^ 1)));
  if (!isOpen || !isShut) throw new Error("the LUKS2 image does not take the released key alone");
  say("\na LUKS2 image opens with the released key, and with no other");
}

/** Refusals are the broker's explanation to its operator; the guest learns one sentence and an id. */
async function tellRefusal({ demo, broker, say }: Story, who: string, guest: SimulatedGuest): Promise<void> {
  say(`\n${who} asks for the same key`);
  const fault = await refusalOf(askAs(guest, { demo, broker }));
  say(`  the guest is told       ${fault.message}`);
  const id = String(fault.detail["id"]);
  const detail = await decisionOf(id, broker.world);
  if (detail.kind !== "decision" || detail.entry["outcome"] !== "deny")
    throw new Error("the refusal is not in the ledger");
  say(`  the operator finds out  ostiary decision show ${id}`);
  const text = explainedItems(detail.trace) ?? "";
  say(text.trimEnd().replaceAll(/^/gm, "    "));
}

async function refusalOf(attempt: Promise<unknown>): Promise<Fault> {
  try {
    await attempt;
  } catch (thrown) {
    if (isFault(thrown, "policy/denied")) return thrown;
    throw thrown;
  }
  throw new Error("a guest that must be refused got the key");
}

async function tellLedger({ broker, say }: Story): Promise<void> {
  const note = await advanceCheckpoint(broker.world);
  const [origin, size, root] = note.split("\n");
  say(`\nthe log of ${origin} has ${size} entries; its signed root is ${root}`);
}

/** Asks as an agent does: the broker proves itself first, by evidence of its own and to the guest's own policy; no key is pinned. */
async function askAs(
  guest: SimulatedGuest,
  { demo, broker, isFresh = false }: Omit<Story, "say"> & { readonly isFresh?: boolean },
) {
  const machine = join(demo.folder, "simulated-machine");
  const provider: EvidenceProvider = createSimulatorProvider(machine, guest);
  const address = {
    url: broker.url,
    audience: demo.audience,
    authorities: await readFile(join(demo.folder, DATA_FILES.tlsAuthority), "utf8"),
    brokerPolicy: {
      file: BROKER_POLICY,
      trustSimulatorFile: join(machine, SIMULATOR_ROOT_FILE),
      isFresh,
    },
  };
  const want = [{ secret: demo.secretPath }];
  const plan = { want, brokers: await brokersOf([address]), deadlineMs: DEADLINE_MS };
  return fetchSecrets(plan, fetchPartsOf(provider));
}

async function stayUp({ demo, broker, say }: Story): Promise<void> {
  const config = `--config ${demo.configPath}`;
  const authority = join(demo.folder, DATA_FILES.tlsAuthority);
  const simulated = join(demo.folder, "simulated-machine");
  say(`\nthe broker stays up on ${broker.url} until Ctrl-C. Try, in another terminal:`);
  say(`  export NODE_EXTRA_CA_CERTS=${authority}`);
  say(`  npx ostiary ledger show ${config} --broker ${broker.url}`);
  say(`  npx ostiary secret list ${config} --broker ${broker.url}`);
  say(
    `  npx ostiary agent get ${demo.secretPath} --format hex --fd 1 --provider simulator --simulator-dir ${simulated} \\\n` +
      `    --broker ${broker.url} --tls-ca ${authority} --audience ${demo.audience} --signing-key ${join(demo.folder, "signing-key.pub.pem")}`,
  );
  await untilSignal();
}

function fingerprintOf(secret: Uint8Array): string {
  return hexOf(nodePrimitives.digest("sha256", secret)).slice(0, 16);
}
