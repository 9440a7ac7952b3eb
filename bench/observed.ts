/** What does it cost that everything is told? A broker with files, webhooks, syslog and spans beside one without, by turns. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { DemoFolder } from "../src/runtime/node/demo-folder.ts";
import type { Result } from "./measure.ts";

const TURNS = 3;

export interface Observed {
  /** Releases per CPU-second of the broker. */
  readonly off: number;
  readonly on: number;
  /** CPU time of a release with everything on, over that without: 1.10 is ten percent more. */
  readonly ratio: number;
}

/**
 * @param demo - Of the broker that tells nobody.
 * @param told - Of another broker: in one folder it would have to tell of all that the first one decided.
 * @param run - Starts a broker on a configuration, and measures releases.
 */
export async function benchObserved(
  { demo, told }: { readonly demo: DemoFolder; readonly told: DemoFolder },
  run: (demo: DemoFolder) => Promise<Result>,
): Promise<Observed> {
  const watcher = createServer((request, response) => {
    request.resume();
    request.once("end", () => response.end());
  });
  await new Promise<void>((done) => void watcher.listen(0, "127.0.0.1", () => done()));
  const address = watcher.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  try {
    const on = { ...told, configPath: watched(told, url) };
    const seconds = { off: 0, on: 0 };
    const counts = { off: 0, on: 0 };
    for (let turn = 0; turn < TURNS; turn += 1) {
      for (const [name, folder] of [
        ["off", demo],
        ["on", on],
      ] as const) {
        const { count, cpuSeconds } = await run(folder); // in order: by turns, so that both meet the same machine
        seconds[name] += cpuSeconds;
        counts[name] += count;
      }
    }
    const rates = { off: counts.off / seconds.off, on: counts.on / seconds.on };
    return { ...rates, ratio: rates.off / rates.on };
  } finally {
    watcher.closeAllConnections();
    watcher.close();
  }
}

/** A second configuration of the same folder, with each kind of sink, and every request in spans. */
function watched({ configPath, folder }: DemoFolder, url: string): string {
  const key = join(folder, "hook.key");
  writeFileSync(key, "k".repeat(64));
  const sinks = `
[traces]
endpoint = "${url}/v1/traces"
per_second = 1000

[health]
details = "loopback"

[[audit]]
name = "file"
kind = "file"
path = "audit.jsonl"

[[audit]]
name = "syslog"
kind = "syslog"
address = "udp:127.0.0.1:9"

[[audit]]
name = "hook"
kind = "webhook"
url = "${url}/"
key_file = "${key}"

[[notify]]
name = "pager"
kind = "webhook"
url = "${url}/"
key_file = "${key}"
acts = ["policy-activate"]
`;
  const path = join(folder, "watched.toml");
  writeFileSync(path, readFileSync(configPath, "utf8") + sinks);
  return path;
}
