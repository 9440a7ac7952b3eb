/** What is this machine's own limit? P-384 verifications a second, by OpenSSL's own measure. */
import { spawnSync } from "node:child_process";

const SPEED_LINE = /ecdsa \(nistp384\)\s+[\d.]+s\s+[\d.]+s\s+[\d.]+\s+(?<verify>[\d.]+)/;

/** ECDSA P-384 verifications per CPU-second on one core. */
export function opensslVerifyRate(seconds: number): number {
  const run = spawnSync("openssl", ["speed", "-seconds", String(seconds), "ecdsap384"], { encoding: "utf8" });
  const rate = SPEED_LINE.exec(run.stdout)?.groups?.["verify"];
  if (rate === undefined) throw new Error("openssl speed said nothing of ecdsa (nistp384)");
  return Number(rate);
}
