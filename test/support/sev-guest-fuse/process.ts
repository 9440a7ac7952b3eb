/**
 * What does /dev/sev-guest do, where there is none? This program: `process.ts FILE MACHINE PLAN` mounts a file that takes the driver's ioctl,
 * backed by the simulated machine of a folder. It reads and writes the memory of whoever asks, as a driver does, and says what it was asked.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { systemNow } from "../../../src/runtime/node/clock.ts";
import { loadOrCreateMachine } from "../../../src/simulator/chip-folder.ts";
import { nextMessage, send } from "../tsm-fuse/serve.ts";
import {
  answerOf,
  attrAnswer,
  ERRNO,
  initAnswer,
  OPCODE,
  openAnswer,
  parseRequest,
  type Request,
  UNANSWERED,
} from "../tsm-fuse/wire.ts";

/** PLAN: what each question meets, in its order, the last for all that follow; `ok`, an errno with firmware's and host's word, `small`, `status`. */
const [file = "", machineFolder = "", plan = "ok"] = process.argv.slice(2);
const turns = plan.split(",");
const machine = loadOrCreateMachine(machineFolder, "genoa");
const table = machine.certTable(systemNow());
const ROOT_MODE = 0o600;
const SNP_GET_EXT_REPORT = 0xc020_5302;
const NOTHING = Buffer.alloc(0);

writeFileSync(file, "");
const fd = openSync("/dev/fuse", "r+");
const options = "fd=3,rootmode=100600,user_id=0,group_id=0";
const mounted = spawnSync("mount", ["-i", "-t", "fuse", "-o", options, "sev-guest", file], {
  stdio: ["ignore", "inherit", "inherit", fd],
});
if (mounted.status !== 0) process.exit(1);
writeSync(1, "mounted\n");
for (;;) {
  const message = await nextMessage(fd); // in order: one question after another
  if (message === undefined) break;
  const request = parseRequest(message);
  if (!UNANSWERED.has(request.opcode)) send(fd, answerOf(request, answerTo(request)));
}

function answerTo(request: Request): Parameters<typeof answerOf>[1] {
  switch (request.opcode) {
    case OPCODE.init:
      return initAnswer();
    case OPCODE.getattr:
      return attrAnswer({ node: 1, isFolder: false, mode: ROOT_MODE });
    case OPCODE.open:
      return openAnswer(1);
    case OPCODE.ioctl:
      return ioctlAnswer(request);
    case OPCODE.flush:
    case OPCODE.release:
      return NOTHING;
    default:
      return "ENOSYS";
  }
}

/** fuse_ioctl_in: handle, flags, command, argument, sizes; then what the argument points to. */
function ioctlAnswer({ body, pid }: Request): Buffer {
  const command = body.readUInt32LE(12);
  const argument = Buffer.from(body.subarray(32, 64));
  const [turn = "ok"] = turns.length > 1 ? turns.splice(0, 1) : turns;
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  try {
    const result = driven(command, argument, { memory, turn });
    const head = Buffer.alloc(16);
    head.writeInt32LE(result, 0);
    return Buffer.concat([head, argument]);
  } finally {
    closeSync(memory);
  }
}

interface Asking {
  readonly memory: number;
  readonly turn: string;
}

/** What the driver does (drivers/virt/coco/sev-guest/sev-guest.c), with what the host and the firmware say made up. */
function driven(command: number, argument: Buffer, { memory, turn }: Asking): number {
  const isExtended = command === SNP_GET_EXT_REPORT;
  const [version, requestAt, responseAt] = [0, 8, 16].map((at) => argument.readBigUInt64LE(at));
  const request = Buffer.alloc(isExtended ? 112 : 96);
  readSync(memory, request, 0, request.length, requestAt ?? 0n);
  const [level, room] = [request.readUInt32LE(64), isExtended ? request.readUInt32LE(104) : 0];
  const isZeroed = request.subarray(68, 96).every((byte) => byte === 0);
  writeSync(1, `${JSON.stringify({ command, version: Number(version), level, room, isZeroed, turn })}\n`);
  argument.writeBigUInt64LE(0xffn, 24);
  const [word = "", firmware = "255", host = "0"] = turn.split(":");
  const errno = Object.entries(ERRNO).find(([name]) => name === word)?.[1];
  if (errno !== undefined) {
    argument.writeUInt32LE(Number(firmware), 24);
    argument.writeUInt32LE(Number(host), 28);
    return -errno;
  }
  if (word === "small" && isExtended) {
    request.writeUInt32LE(Number(firmware), 104);
    writeSync(memory, request, 104, 4, Number((requestAt ?? 0n) + 104n));
    argument.writeUInt32LE(0, 24);
    argument.writeUInt32LE(1, 28);
    return -ERRNO.EIO;
  }
  answerInto(memory, { request, responseAt: Number(responseAt), level, room }, turn);
  argument.writeBigUInt64LE(0n, 24);
  return 0;
}

interface Answered {
  readonly request: Buffer;
  readonly responseAt: number;
  readonly level: number;
  readonly room: number;
}

/** MSG_REPORT_RSP, and the host's table behind the address that the request gives. */
function answerInto(memory: number, { request, responseAt, level, room }: Answered, turn: string): void {
  const [word, value] = turn.split(":");
  const response = Buffer.alloc(4000);
  response.writeUInt32LE(word === "status" ? Number(value) : 0, 0);
  response.writeUInt32LE(word === "size" ? Number(value) : 1184, 4);
  response.set(
    machine.chip.report({ reportData: Uint8Array.from(request.subarray(0, 64)), vmpl: level }),
    32,
  );
  writeSync(memory, response, 0, response.length, responseAt);
  if (room > 0) {
    const certificates = Buffer.alloc(room);
    if (word !== "bare") certificates.set(table.subarray(0, room));
    writeSync(memory, certificates, 0, room, Number(request.readBigUInt64LE(96)));
  }
}
