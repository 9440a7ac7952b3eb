/** How does `ostiary health` reach the broker beside it? Where the configuration says that it listens, and no further. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { Fault } from "../../base/fault.ts";
import type { HealthAnswer } from "../../cli/commands/health.ts";
import { decodeHealth } from "../../wire/health.ts";
import { type LoadedConfig, loadConfig } from "./settings.ts";

const PATH = "/readyz";
const PARTS_PATH = "/v1/health";
const TIMEOUT_MS = 3000;
const READY = 200;

/** A host that means every address is asked for on this machine's own. */
const OWN: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Whether the broker is ready, and where it tells this machine (`health.details`), how its parts stand.
 *
 * @throws {@link Fault} `broker/unreachable`; what keeps a configuration from being read.
 */
export async function askHealth(configPath: string): Promise<HealthAnswer> {
  const loaded = await loadConfig(configPath);
  const { status } = await asked(PATH, loaded);
  const isReady = status === READY;
  if (loaded.config.healthDetails !== "loopback") return { isReady, status };
  const parts = await asked(PARTS_PATH, loaded);
  return { isReady, status, ...(parts.status === READY ? { parts: decodeHealth(parts.body).parts } : {}) };
}

/** Nothing secret is asked or told, and a certificate that waits to be read anew is no illness: TLS is spoken, not believed. */
function asked(
  path: string,
  { config: { listen } }: LoadedConfig,
): Promise<{ readonly status: number; readonly body: Uint8Array }> {
  const host = OWN[listen.host] ?? listen.host;
  const where = { host, port: listen.port, path, signal: AbortSignal.timeout(TIMEOUT_MS) };
  return new Promise((resolve, reject) => {
    const request =
      listen.tls === undefined ? httpRequest(where) : httpsRequest({ ...where, rejectUnauthorized: false });
    request.once("response", (response) => {
      const pieces: Uint8Array[] = [];
      response.on("data", (piece: Uint8Array) => void pieces.push(piece));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) }));
      response.on("error", () => reject(new Fault("broker/unreachable", "expected a whole answer")));
    });
    request.on("error", (thrown) =>
      reject(new Fault("broker/unreachable", "expected the broker to answer on this machine", {}, thrown)),
    );
    request.end();
  });
}
