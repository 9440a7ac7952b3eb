/** How does `ostiary health` reach the broker beside it? Where the configuration says that it listens, and no further. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { Fault } from "../../base/fault.ts";
import { type LoadedConfig, loadConfig } from "./settings.ts";

const PATH = "/readyz";
const TIMEOUT_MS = 3000;
const READY = 200;

/** A host that means every address is asked for on this machine's own. */
const OWN: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** @throws {@link Fault} `broker/unreachable`, `store/unavailable`; what keeps a configuration from being read. */
export async function askHealth(configPath: string): Promise<void> {
  const status = await statusOf(await loadConfig(configPath));
  if (status !== READY) {
    throw new Fault("store/unavailable", `expected the broker to be ready, it answers ${status}`);
  }
}

/** Nothing secret is asked or told, and a certificate that waits to be read anew is no illness: TLS is spoken, not believed. */
function statusOf({ config: { listen } }: LoadedConfig): Promise<number> {
  const host = OWN[listen.host] ?? listen.host;
  const where = { host, port: listen.port, path: PATH, signal: AbortSignal.timeout(TIMEOUT_MS) };
  return new Promise((resolve, reject) => {
    const request =
      listen.tls === undefined ? httpRequest(where) : httpsRequest({ ...where, rejectUnauthorized: false });
    request.once("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once("error", (thrown) =>
      reject(new Fault("broker/unreachable", "expected the broker to answer on this machine", {}, thrown)),
    );
    request.end();
  });
}
