/** Which volumes does systemd-cryptsetup open by the daemon? `[[disk]]`. */
import * as v from "valibot";
import { path, table } from "./config-fields.ts";

/** As cryptsetup and systemd spell a mapping. */
const volumeName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}$/));

export const AGENT_DISK = table({
  name: volumeName,
  device: path,
  secret: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._/-]{1,512}$/)),
  integrity: v.optional(v.literal("hmac-sha256")),
  socket: v.optional(path),
  header: v.optional(path),
});

/** One volume, with everything said. */
export interface DiskConfig {
  readonly name: string;
  readonly device: string;
  readonly secret: string;
  readonly integrity: boolean;
  readonly socket: string;
  readonly header: string;
}

/** Below here nobody but root looks, and nothing outlives the boot. */
const FOLDER = "/run/ostiary/disk";

export function diskConfigOf(
  { integrity, socket, header, ...disk }: v.InferOutput<typeof AGENT_DISK>,
  at: (path: string) => string,
): DiskConfig {
  const { name, secret } = disk;
  return {
    name,
    secret,
    device: at(disk.device),
    integrity: integrity !== undefined,
    socket: at(socket ?? `${FOLDER}/${name}.sock`),
    header: at(header ?? `${FOLDER}/${name}.header`),
  };
}
