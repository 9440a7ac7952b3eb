/** What does the demonstration live in? A broker's data folder in demo mode, a simulated machine, a secret and a live policy. */
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Signer } from "../../base/primitives.ts";
import { activateBundle, proposeBundle } from "../../broker/policies.ts";
import { recordRoot } from "../../broker/root-record.ts";
import { generateSecret } from "../../broker/secrets.ts";
import type { World } from "../../broker/world.ts";
import { createMetrics } from "../../http/metrics.ts";
import { NO_SOURCE } from "../../kds/no-source.ts";
import { packBundle } from "../../policy/bundle.ts";
import { signBundle } from "../../policy/signatures.ts";
import { signActivation } from "../../policy/statements.ts";
import {
  loadOrCreateMachine,
  SIMULATOR_ROOT_FILE,
  type SimulatedMachine,
} from "../../simulator/chip-folder.ts";
import { CLOUD_FILE } from "../../simulator/cloud-machine.ts";
import { loadOrCreateProvider, PROVIDER_FILES } from "../../simulator/provider-folder.ts";
import { DATA_FILES, type InitOptions, initDataFolder, type MadeFile } from "./init.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { loadConfig } from "./settings.ts";
import { createEd25519Signer, spkiOfPem } from "./signers.ts";
import { openWorld } from "./world.ts";

export interface DemoFolder {
  readonly folder: string;
  readonly configPath: string;
  readonly audience: string;
  readonly signingKey: Uint8Array;
  readonly machine: SimulatedMachine;
  readonly secretPath: string;
  readonly admin: Signer;
}

const SECRET_PATH = "demo/luks/root";
const SECRET_BYTES = 32;
const POLICIES = join(import.meta.dirname, "../../../policies");
const POLICY_FILES = ["demo.writ", "refs/demo.writ"];
const ADMIN_KID = "admin-1";
const MACHINE_FOLDER = "simulated-machine";

/** Follows the table of `OWN_EVIDENCE`. */
const UNLIMITED_RATES =
  "fresh_per_second = 1000\n\n[rates]\nchallenges_per_source = 100000\nchallenges_per_broker = 1000000\n";

const OWN_EVIDENCE = `
# How this broker proves itself to guests. Outside a confidential VM: provider = "none", and guests pin its signing key.
[attestation]
provider = "simulator"
simulator_dir = "${MACHINE_FOLDER}"
`;

export interface DemoOptions {
  /** Lifts the policy's count of releases, its one way to seal and the rates of challenges, and lets guests use keys: for measurements. */
  readonly isUnlimited?: boolean;
  readonly port?: number;
  /** Ends TLS itself, under this name. */
  readonly tlsName?: string;
  /** Policies beside those of the demonstration. */
  readonly moreSources?: readonly DemoSource[];
  readonly onStep?: (text: string) => void;
}

/** Makes a demonstration in a new folder, ready to be served. */
export async function makeDemoFolder(folder: string, options: DemoOptions = {}): Promise<DemoFolder> {
  const say = options.onStep ?? (() => undefined);
  const audience = "http://ostiary.demo";
  const { port = 0, tlsName } = options;
  const tls = tlsName === undefined ? {} : { tlsName };
  await initDataFolder(folder, { audience, mode: "demo", port, isKdsEnabled: false, ...tls });
  say("made the broker's keys, configuration and database");
  const machine = await makeMachine(folder);
  say("made a simulated AMD chip with a certificate authority of its own");
  const configPath = join(folder, DATA_FILES.config);
  if (options.isUnlimited === true) await appendFile(configPath, UNLIMITED_RATES);
  const adminPem = textOf(await bytesOf(join(folder, DATA_FILES.adminKey)));
  const admin = createEd25519Signer(ADMIN_KID, adminPem);
  const signingKey = spkiOfPem(textOf(await bytesOf(join(folder, DATA_FILES.signingKey))));
  const demo = { folder, configPath, audience, signingKey, machine, secretPath: SECRET_PATH, admin };
  await fill(demo, [...(await demoSources(options.isUnlimited)), ...(options.moreSources ?? [])]);
  say(`made the secret ${SECRET_PATH} and activated the policy policies/demo.writ`);
  return demo;
}

/** `ostiary init`: in demo mode with a simulated machine beside the data, whose root the configuration trusts. */
export async function initForVerb(folder: string, request: InitOptions): Promise<readonly MadeFile[]> {
  const made = await initDataFolder(folder, request);
  if (request.mode !== "demo") return made;
  await makeMachine(folder, request.cloud);
  const path = join(folder, MACHINE_FOLDER);
  return [...made, { path, is: "a simulated machine, trusted in demo mode only", backUp: "not needed" }];
}

async function makeMachine(folder: string, cloud?: InitOptions["cloud"]): Promise<SimulatedMachine> {
  const machineFolder = join(folder, MACHINE_FOLDER);
  const config = join(folder, DATA_FILES.config);
  await mkdir(machineFolder, { mode: 0o700 });
  if (cloud !== undefined) await writeFile(join(machineFolder, CLOUD_FILE), `${cloud}\n`);
  const machine = loadOrCreateMachine(machineFolder, "genoa");
  await trustSimulator(config, join(MACHINE_FOLDER, SIMULATOR_ROOT_FILE));
  await appendFile(config, OWN_EVIDENCE);
  if (cloud === "gcp") await trustGoogle(machineFolder, config);
  return machine;
}

/** The simulated Google's authorities, in the table that takes the real one's. */
async function trustGoogle(machineFolder: string, config: string): Promise<void> {
  loadOrCreateProvider(machineFolder);
  const { firmware, hostVtpm } = PROVIDER_FILES;
  const lines = [
    "",
    "# Who may speak for a cloud: for its firmware, and for the keys of vTPMs that its hosts run.",
    "[providers]",
    `google_firmware_roots = "${join(MACHINE_FOLDER, firmware)}"`,
    `host_vtpm_roots = "${join(MACHINE_FOLDER, hostVtpm)}"`,
    "",
  ];
  await appendFile(config, lines.join("\n"));
}

/** What an admin's first two commands would do, before the broker listens. */
async function fill(demo: DemoFolder, sources: readonly DemoSource[]): Promise<void> {
  const parts = { source: NO_SOURCE, metrics: createMetrics(), log: () => undefined };
  const world = await openWorld(await loadConfig(demo.configPath), parts);
  try {
    await recordRoot(world);
    const actor = { kid: ADMIN_KID };
    await generateSecret(
      { path: demo.secretPath, make: { name: "bytes", size: SECRET_BYTES } },
      actor,
      world,
    );
    await activateSources(sources, demo, world);
  } finally {
    await world.store.close();
  }
}

export interface DemoSource {
  readonly path: string;
  readonly text: string;
}

async function demoSources(isUnlimited = false): Promise<readonly DemoSource[]> {
  const sources: DemoSource[] = [];
  for (const path of POLICY_FILES) {
    const text = textOf(Uint8Array.from(await readFile(join(POLICIES, path)))); // in order: two files
    sources.push({ path, text: isUnlimited ? unlimited(text) : text });
  }
  return sources;
}

function unlimited(text: string): string {
  return text
    .replace(/^ *(max_releases|wrap) .*\n/gm, "")
    .replaceAll("request.op == release", "request.op in [release, unwrap]");
}

/** Proposes and activates sources as the admin, on top of what is live. */
async function activateSources(
  sources: readonly DemoSource[],
  { admin, audience }: Pick<DemoFolder, "admin" | "audience">,
  world: World,
): Promise<string> {
  const live = await world.store.liveActivation();
  const tar = packBundle(sources, live?.digest, nodePrimitives.digest);
  const actor = { kid: admin.kid };
  const { digest } = await proposeBundle({ tar, signature: await signBundle(tar, admin) }, actor, world);
  const serial = (live?.serial ?? 0) + 1;
  const statement = { digest, serial, audience, at: world.now(), roster: null };
  await activateBundle({ digest, signature: await signActivation(statement, admin) }, actor, world);
  return digest;
}

async function trustSimulator(configPath: string, rootFile: string): Promise<void> {
  const config = textOf(await bytesOf(configPath));
  await writeFile(
    configPath,
    config.replace(/^mode = "demo"$/m, `mode = "demo"\ntrust_simulator = "${rootFile}"`),
  );
}

function textOf(bytes: Uint8Array): string {
  const text = parseUtf8(bytes);
  if (text === undefined) throw new Fault("file/unusable", "expected text in UTF-8");
  return text;
}
