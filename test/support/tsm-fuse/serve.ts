/** Who answers the kernel for a folder of reports? A loop over /dev/fuse: entries by mkdir, attributes committed at close, as configfs does. */
import { read, writeSync } from "node:fs";
import { promisify } from "node:util";
import { INBLOB_MAX, makeReportEntry, Refused, type ReportEntry, type TsmPlan } from "./reports.ts";
import {
  type Attributes,
  answerOf,
  attrAnswer,
  entryAnswer,
  foldersAnswer,
  initAnswer,
  MESSAGE_SIZE,
  nameIn,
  OPCODE,
  openAnswer,
  parseRequest,
  type Request,
  UNANSWERED,
  writeAnswer,
} from "./wire.ts";

const ROOT = 1;
const O_ACCMODE = 3;
/** Binary attributes are gathered and committed at close; the others at each write. */
const BINARY = new Set(["inblob"]);

type Node =
  | { readonly kind: "root" }
  | { readonly kind: "entry"; readonly name: string; readonly entry: ReportEntry }
  | { readonly kind: "attribute"; readonly name: string; readonly mode: number; readonly entry: ReportEntry };

interface Handle {
  readonly node: Node & { readonly kind: "attribute" };
  content?: Uint8Array;
  written?: Buffer;
}

interface Tree {
  readonly plan: TsmPlan;
  readonly nodes: Map<number, Node>;
  readonly handles: Map<number, Handle>;
  next: number;
}

/** Answers until the file system is unmounted. @param fd - /dev/fuse, mounted. */
export async function serveReports(fd: number, plan: TsmPlan): Promise<void> {
  const tree: Tree = { plan, nodes: new Map([[ROOT, { kind: "root" }]]), handles: new Map(), next: ROOT + 1 };
  for (;;) {
    const message = await nextMessage(fd); // in order: one act after another, as the firmware has it
    if (message === undefined) return;
    const request = parseRequest(message);
    const answer = answerTo(request, tree);
    if (!UNANSWERED.has(request.opcode)) send(fd, answerOf(request, answer));
  }
}

const readPiece = promisify(read);

/** `undefined` once it is unmounted. */
export async function nextMessage(fd: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(MESSAGE_SIZE);
  for (;;) {
    try {
      const { bytesRead } = await readPiece(fd, buffer, 0, buffer.length, null); // in order: a stream
      return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
    } catch (thrown) {
      if (isOf(thrown, "ENODEV")) return undefined;
      // A message that was taken back before it was read.
      if (!isOf(thrown, "ENOENT") && !isOf(thrown, "EINTR") && !isOf(thrown, "EAGAIN")) throw thrown;
    }
  }
}

/** Whoever asked may have been ended meanwhile. */
export function send(fd: number, answer: Buffer): void {
  try {
    writeSync(fd, answer);
  } catch (thrown) {
    if (!isOf(thrown, "ENOENT") && !isOf(thrown, "ENODEV")) throw thrown;
  }
}

function isOf(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}

function answerTo(request: Request, tree: Tree): ReturnType<Act> {
  try {
    return ACTS.get(request.opcode)?.(request, tree) ?? "ENOSYS";
  } catch (thrown) {
    if (thrown instanceof Refused) return thrown.errno;
    throw thrown;
  }
}

type Act = (request: Request, tree: Tree) => Parameters<typeof answerOf>[1];

const NOTHING = Buffer.alloc(0);

const ACTS: ReadonlyMap<number, Act> = new Map<number, Act>([
  [OPCODE.init, () => initAnswer()],
  [OPCODE.lookup, ({ node, body }, tree) => entryAnswer(lookedUp(node, nameIn(body), tree))],
  [OPCODE.getattr, ({ node }, tree) => attrAnswer(shownOf(node, nodeOf(node, tree)))],
  [OPCODE.setattr, ({ node }, tree) => attrAnswer(shownOf(node, nodeOf(node, tree)))],
  [OPCODE.access, () => NOTHING],
  [OPCODE.statfs, () => Buffer.alloc(80)],
  [OPCODE.mkdir, ({ node, body }, tree) => entryAnswer(made(node, nameIn(body, 8), tree))],
  [OPCODE.rmdir, ({ node, body }, tree) => removed(node, nameIn(body), tree)],
  [OPCODE.unlink, () => "EPERM"],
  [OPCODE.opendir, () => openAnswer(0)],
  [OPCODE.releasedir, () => NOTHING],
  [OPCODE.readdir, ({ node, body }, tree) => listed(nodeOf(node, tree), body, tree)],
  [OPCODE.open, ({ node, body }, tree) => openAnswer(opened(nodeOf(node, tree), body.readUInt32LE(0), tree))],
  [OPCODE.read, ({ body }, tree) => readFrom(handleOf(body, tree), body)],
  [OPCODE.write, ({ body }, tree) => writtenTo(handleOf(body, tree), body)],
  [OPCODE.flush, ({ body }, tree) => committed(handleOf(body, tree))],
  [
    OPCODE.release,
    ({ body }, tree) => {
      tree.handles.delete(Number(body.readBigUInt64LE(0)));
      return NOTHING;
    },
  ],
]);

function nodeOf(id: number, { nodes }: Tree): Node {
  const node = nodes.get(id);
  if (node === undefined) throw new Refused("ENOENT");
  return node;
}

function shownOf(node: number, known: Node): Attributes {
  return known.kind === "attribute"
    ? { node, isFolder: false, mode: known.mode }
    : { node, isFolder: true, mode: 0o755 };
}

function lookedUp(parent: number, name: string, tree: Tree): Attributes {
  const found = childrenOf(nodeOf(parent, tree), tree).find((child) => child.node.name === name);
  if (found === undefined) throw new Refused("ENOENT");
  return shownOf(found.id, found.node);
}

interface Child {
  readonly id: number;
  readonly node: Exclude<Node, { kind: "root" }>;
}

/** A folder's nodes stand in the table from when it was made. */
function childrenOf(parent: Node, { nodes }: Tree): readonly Child[] {
  const children: Child[] = [];
  for (const [id, node] of nodes) {
    if (node.kind === "entry" && parent.kind === "root") children.push({ id, node });
    if (node.kind === "attribute" && parent.kind === "entry" && node.entry === parent.entry)
      children.push({ id, node });
  }
  return children;
}

function made(parent: number, name: string, tree: Tree): Attributes {
  const folder = nodeOf(parent, tree);
  if (folder.kind !== "root") throw new Refused("EPERM");
  if (childrenOf(folder, tree).some(({ node }) => node.name === name)) throw new Refused("EEXIST");
  const entry = makeReportEntry(tree.plan);
  const id = tree.next;
  const node: Node = { kind: "entry", name, entry };
  tree.nodes.set(id, node);
  for (const [at, attribute] of entry.attributes.entries()) {
    tree.nodes.set(id + at + 1, { kind: "attribute", ...attribute, entry });
  }
  tree.next = id + entry.attributes.length + 1;
  return shownOf(id, node);
}

function removed(parent: number, name: string, tree: Tree): Buffer {
  const found = childrenOf(nodeOf(parent, tree), tree).find(({ node }) => node.name === name);
  if (found === undefined) throw new Refused("ENOENT");
  if (found.node.kind !== "entry") throw new Refused("ENOTDIR");
  for (const { id } of childrenOf(found.node, tree)) tree.nodes.delete(id);
  tree.nodes.delete(found.id);
  return NOTHING;
}

function listed(folder: Node, body: Buffer, tree: Tree): Buffer {
  const names = [".", "..", ...childrenOf(folder, tree).map(({ node }) => node.name)];
  return foldersAnswer(names, Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
}

/** Even root cannot open an attribute for what it is not for (fs/configfs/file.c). */
function opened(node: Node, flags: number, tree: Tree): number {
  if (node.kind !== "attribute") throw new Refused("EINVAL");
  const access = flags & O_ACCMODE;
  if (access !== (node.mode === 0o200 ? 1 : 0)) throw new Refused("EACCES");
  const id = tree.next;
  tree.next += 1;
  tree.handles.set(id, { node });
  return id;
}

function handleOf(body: Buffer, { handles }: Tree): Handle {
  const handle = handles.get(Number(body.readBigUInt64LE(0)));
  if (handle === undefined) throw new Refused("EINVAL");
  return handle;
}

/** Made at the first read of an open file; what is read later is the rest of it. */
function readFrom(handle: Handle, body: Buffer): Uint8Array {
  const offset = Number(body.readBigUInt64LE(8));
  handle.content ??= handle.node.entry.read(handle.node.name);
  return handle.content.subarray(offset, offset + body.readUInt32LE(16));
}

const WRITE_IN = 40;

function writtenTo(handle: Handle, body: Buffer): Buffer {
  const bytes = body.subarray(WRITE_IN, WRITE_IN + body.readUInt32LE(16));
  const { name, entry } = handle.node;
  if (!BINARY.has(name)) entry.write(name, bytes);
  else {
    handle.written = Buffer.concat([handle.written ?? NOTHING, bytes]);
    if (handle.written.length > INBLOB_MAX) throw new Refused("EFBIG");
  }
  return writeAnswer(bytes.length);
}

/** What close(2) commits; that it failed is told to nobody, so that the generation alone shows it. */
function committed(handle: Handle): Buffer {
  const { written, node } = handle;
  delete handle.written;
  if (written === undefined || written.length > INBLOB_MAX) return NOTHING;
  try {
    node.entry.write(node.name, written);
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
  }
  return NOTHING;
}
