/** How does systemd read a credential from a socket? As `read_full_file` of its exec-credential.c does: bind, connect, read to the end. */
import { spawnSync } from "node:child_process";

/** Node cannot bind a client. systemd itself needs to be process 1 for `LoadCredential=`, which it is in no test. */
const CLIENT = `
import secrets, socket, sys
path, unit, name = sys.argv[1:4]
client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
client.bind("\\0" + secrets.token_hex(8) + "/unit/" + unit + "/" + name)
client.connect(path)
while piece := client.recv(65536):
    sys.stdout.buffer.write(piece)
`;

export const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** What the unit would find in `$CREDENTIALS_DIRECTORY/NAME`. */
export function loadCredential(socket: string, unit: string, name: string): Uint8Array {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", CLIENT, socket, unit, name]);
  if (status !== 0) throw new Error(`expected a connection to ${socket}: ${String(stderr)}`);
  return Uint8Array.from(stdout);
}
