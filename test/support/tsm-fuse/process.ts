/**
 * What runs beside a guest that has no SEV-SNP? This program: `process.ts MOUNTPOINT MACHINE [measurement=HEX] …` mounts a folder of
 * reports backed by the simulated machine of a folder, says `mounted`, and answers until it is unmounted.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { systemNow } from "../../../src/runtime/node/clock.ts";
import { loadOrCreateMachine } from "../../../src/simulator/chip-folder.ts";
import type { ReportEntry } from "./reports.ts";
import { serveReports } from "./serve.ts";
import { ERRNO, type Errno } from "./wire.ts";

/** Words of the form `name=value`. */
const [mountPoint = "", machineFolder = "", ...words] = process.argv.slice(2);
const said = new Map(words.map((word) => [word.split("=", 1).join(""), word.slice(word.indexOf("=") + 1)]));

const machine = loadOrCreateMachine(machineFolder, "genoa");
const measurement = measurementOf();
mkdirSync(mountPoint, { recursive: true });
const fd = openSync("/dev/fuse", "r+");
const options = "fd=3,rootmode=40000,user_id=0,group_id=0,default_permissions";
const mount = said.get("mount")?.split(" ") ?? ["mount", "-i"];
const [program = "", ...first] = mount;
const mounted = spawnSync(program, [...first, "-t", "fuse", "-o", options, "tsm", mountPoint], {
  stdio: ["ignore", "inherit", "inherit", fd],
});
if (mounted.status !== 0) process.exit(1);
writeSync(1, "mounted\n");

const faults = faultsOf(said.get("faults") ?? "");
const provider = said.get("provider");
const manifest = said.get("manifest");
await serveReports(fd, {
  ...(provider === undefined ? {} : { provider: provider === "none" ? undefined : provider }),
  ...(manifest === undefined ? {} : { manifest: Buffer.from(manifest, "hex") }),
  privlevelFloor: Number(said.get("floor") ?? 0),
  reportOf: ({ reportData, vmpl }) => machine.chip.report({ reportData, vmpl, ...measurement }),
  auxblob: () => (said.get("table") === "none" ? new Uint8Array(0) : machine.certTable(systemNow())),
  before: (act, entry) => faultAt(act, entry),
});

/** `cmdline`: what kernel hashes would measure of a command line, and so another one for another line. */
function measurementOf(): { readonly measurement?: Uint8Array } {
  const word = said.get("measurement");
  if (word === undefined) return {};
  if (word !== "cmdline") return { measurement: Buffer.from(word, "hex") };
  const line = readFileSync("/proc/cmdline", "utf8").trim();
  return { measurement: createHash("sha384").update(line).digest() };
}

interface PlannedFault {
  readonly act: string;
  readonly what: string;
  left: number;
}

/** `read outblob:EBUSY:2,read auxblob:race:1`. */
function faultsOf(text: string): PlannedFault[] {
  return text
    .split(",")
    .filter((row) => row !== "")
    .map((row) => {
      const [act = "", what = "", times = "1"] = row.split(":");
      return { act, what, left: Number(times) };
    });
}

function faultAt(act: string, entry: ReportEntry): Errno | undefined {
  writeSync(1, `${act}\n`);
  const fault = faults.find((planned) => planned.act === act && planned.left > 0);
  if (fault === undefined) return undefined;
  fault.left -= 1;
  if (fault.what !== "race") return errnoOf(fault.what);
  entry.disturb();
  return undefined;
}

function errnoOf(name: string): Errno {
  const known = Object.keys(ERRNO).find((errno): errno is Errno => errno === name);
  if (known === undefined) throw new Error(`an errno: ${name}`);
  return known;
}
