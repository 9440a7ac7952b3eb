/** Where is a TPM? A device of the kernel; for emulators and proxies, a socket of this machine. */

export type TpmDevice =
  | { readonly kind: "device"; readonly path: string }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

const DEVICE = /^\/dev\/\w{1,64}$/;
const UNIX = /^unix:(\/\P{Cc}{1,100})$/u;
const TCP = /^tcp:(127(?:\.\d{1,3}){3}|\[::1\]):([1-9]\d{0,4})$/;

/** `/dev/tpmrm0`, `unix:/PATH`, or `tcp:127.0.0.1:PORT`: what goes over a network is no TPM of this machine. `undefined` for anything else. */
export function parseTpmDevice(text: string): TpmDevice | undefined {
  if (DEVICE.test(text)) return { kind: "device", path: text };
  const [, path] = UNIX.exec(text) ?? [];
  if (path !== undefined) return { kind: "unix", path };
  const [, host, port] = TCP.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) return undefined;
  return { kind: "tcp", host: host.replace(/[[\]]/g, ""), port: Number(port) };
}
