/** Which errors does a guest have with its disks? A part of `fault-codes.ts`. */
import type { FaultRow } from "./fault-row.ts";

export const DISK_FAULT_CODES = {
  "disk/not-luks": {
    status: 422,
    wire: "bad-disk",
    next: "name the LUKS2 volume; a new disk is formatted only by `--format-on-grant`",
  },
  "disk/bad-header": {
    status: 422,
    wire: "bad-disk",
    next: "nobody's key was asked for; find out who changed the header, and put back the one that you kept",
  },
  "disk/no-marker": {
    status: 422,
    wire: "bad-disk",
    next: "this volume is not known to be yours; where you made it just now, say so once with `--adopt`",
  },
  "disk/forged": {
    status: 422,
    wire: "bad-disk",
    next: "header and key do not belong together; find out who changed the disk, and put back the header that you kept",
  },
  "disk/foreign": {
    status: 422,
    wire: "bad-disk",
    next: "this is the volume of another secret; look at --device and --secret",
  },
  "disk/wrong-key": {
    status: 422,
    wire: "bad-disk",
    next: "the released key does not open the volume; look at its key slots with `cryptsetup luksDump`",
  },
  "disk/short-key": {
    status: 422,
    wire: "bad-disk",
    next: "give the volume a random secret of 32 bytes or more: `ostiary secret generate`",
  },
  "disk/rolled-back": {
    status: 422,
    wire: "bad-disk",
    next: "somebody put an older image of this disk back; where it was you, say so with `--accept-epoch`",
  },
  "disk/counted": {
    status: 422,
    wire: "bad-disk",
    next: "open this volume with `ostiary agent unlock --epoch`, as it was before",
  },
  "disk/epoch-taken": {
    status: 422,
    wire: "bad-disk",
    next: "try again; where it comes back, another guest opens this volume: start one of them alone",
  },
  "disk/bad-grant": {
    status: 422,
    wire: "bad-disk",
    next: "the grant is not for this disk; look at what the admin put at PATH/format",
  },
  "disk/bad-jwe": {
    status: 422,
    wire: "bad-disk",
    next: "this JWE is not of clevis's pin `ostiary`, was changed, or the secret is another one by now",
  },
  "disk/not-blank": {
    status: 422,
    wire: "bad-disk",
    next: 'there is something on this disk; where it may go, the grant has to say `"over":"anything"`',
  },
  "disk/in-use": {
    status: 422,
    wire: "bad-disk",
    next: "the device is mounted, mapped or swapped to; name another one",
  },
  "disk/changed": {
    status: 422,
    wire: "bad-disk",
    next: "the header changed meanwhile; see that one program alone changes it, and try again",
  },
} as const satisfies Record<string, FaultRow>;
