/** What is a daemon in a test? `ostiary agent serve` on a file of its own, against a real broker. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLI, type DemoBroker } from "./demo-broker.ts";

export interface Daemon {
  readonly child: ChildProcess;
  /** Everything it wrote to standard error so far. */
  readonly log: () => string;
  /** Until a line of the log has these words. @throws when it ends before. */
  readonly says: (words: string) => Promise<void>;
  readonly ended: Promise<number | null>;
}

/** The lines of a guest's file that pin this broker and run on the machine that it trusts. */
export function guestFile({ url, audience, signingKeyFile, machine }: DemoBroker): string {
  return `[[broker]]
url = "${url}"
audience = "${audience}"
signing_key = "${signingKeyFile}"
[evidence]
provider = "simulator"
simulator_dir = "${machine}"
`;
}

/** A folder in tmpfs, and its file. */
export function daemonFolder(config: string): {
  readonly folder: string;
  readonly file: string;
  readonly remove: () => void;
} {
  const folder = mkdtempSync("/dev/shm/ostiary-daemon-");
  const file = join(folder, "agent.toml");
  writeFileSync(file, config.replaceAll("FOLDER", folder));
  return { folder, file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export function startDaemon(file: string, environment: NodeJS.ProcessEnv = {}): Daemon {
  const child = spawn(process.execPath, [CLI, "agent", "serve", "--config", file], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  return watched(child);
}

function watched(child: ChildProcess): Daemon {
  let said = "";
  child.stderr?.on("data", (piece) => {
    said += String(piece);
  });
  const ended = new Promise<number | null>((done) => child.once("close", done));
  const says = (words: string): Promise<void> =>
    new Promise((heard, failed) => {
      const look = (): void => {
        if (said.includes(words)) heard();
      };
      child.stderr?.on("data", look);
      void ended.then(() => (said.includes(words) ? heard() : failed(new Error(`it ended: ${said}`))));
      look();
    });
  return { child, log: () => said, says, ended };
}
