/** `ostiary measure id-block` and `id-show`: what a guest owner signs for a guest to start, made and read. */
import { base64Of, hexOf, isZero, parseBase64, parseUtf8, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import {
  encodeIdBlock,
  ID_BLOCK_SIZE,
  parseIdBlock,
  signIdBlock,
  verifyIdBlock,
} from "../../measurement/id-block.ts";
import { DIGEST_SIZE, PAGE_SIZE } from "../../measurement/page-update.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { tableOf } from "../table.ts";
import type { MeasureEdges } from "./edges.ts";
import { hexOfSize, numberOf } from "./words.ts";

/** ABI as it comes, SMT allowed, and the reserved bit that must be one: nothing else is. */
const USUAL_POLICY = "0x30000";
const MAX_SVN = 0xffff_ffffn;

const OPTIONS = {
  digest: { type: "string" },
  "family-id": { type: "string" },
  "image-id": { type: "string" },
  "guest-svn": { type: "string" },
  policy: { type: "string" },
  "id-key": { type: "string" },
  "author-key": { type: "string" },
  out: { type: "string" },
} as const;

/** Makes both files. What is not said is not guessed, but for the policy. */
export async function makeIdBlock(
  args: readonly string[],
  { primitives, readKey }: MeasureEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  noWords(positionals);
  const out = said(values.out, "--out NAME");
  const guestSvn = numberOf(said(values["guest-svn"], "--guest-svn N"), "--guest-svn");
  if (guestSvn > MAX_SVN) throw new Misuse("expected --guest-svn of 32 bits");
  const block = encodeIdBlock({
    launchDigest: hexOfSize(said(values.digest, "--digest HEX"), DIGEST_SIZE, "--digest"),
    familyId: hexOfSize(said(values["family-id"], "--family-id HEX"), 16, "--family-id"),
    imageId: hexOfSize(said(values["image-id"], "--image-id HEX"), 16, "--image-id"),
    guestSvn: Number(guestSvn),
    policy: numberOf(values.policy ?? USUAL_POLICY, "--policy"),
  });
  const id = await readKey(said(values["id-key"], "--id-key FILE"), terminal);
  const authorPath = values["author-key"];
  const author = authorPath === undefined ? {} : { author: await readKey(authorPath, terminal) };
  const page = await signIdBlock(block, { id, ...author }, primitives);
  const { idKeyDigest, authorKeyDigest } = await verifyIdBlock(block, page, primitives);
  await terminal.writeFile(`${out}.id-block`, utf8(`${base64Of(block)}\n`), 0o644);
  await terminal.writeFile(`${out}.id-auth`, utf8(`${base64Of(page)}\n`), 0o644);
  terminal.out(tableOf([["ID key", hexOf(idKeyDigest)], ...authorRow(authorKeyDigest)]));
  return 0;
}

/** Reads both files and verifies them: 1 where the page does not vouch for the block. */
export async function showIdBlock(
  args: readonly string[],
  { primitives }: MeasureEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { json: { type: "boolean" } });
  const [blockPath, pagePath] = positionals;
  if (blockPath === undefined || pagePath === undefined || positionals.length > 2) {
    throw new Misuse("expected the files of the ID block and of its authentication page");
  }
  const bytes = await bytesIn(blockPath, ID_BLOCK_SIZE, terminal);
  const block = parseIdBlock(bytes);
  const proof = await verifyIdBlock(bytes, await bytesIn(pagePath, PAGE_SIZE, terminal), primitives);
  const facts = {
    launchDigest: hexOf(block.launchDigest),
    familyId: hexOf(block.familyId),
    imageId: hexOf(block.imageId),
    guestSvn: block.guestSvn,
    policy: `0x${block.policy.toString(16)}`,
    idKeyDigest: hexOf(proof.idKeyDigest),
    ...(proof.authorKeyDigest === undefined ? {} : { authorKeyDigest: hexOf(proof.authorKeyDigest) }),
  };
  const rows = Object.entries(facts).map(([name, value]) => [name, String(value)]);
  const isUnset = isZero(block.familyId) || isZero(block.imageId);
  const note = isUnset ? "warning: an id of zero names nothing; no policy can ask for it\n" : "";
  terminal.out(values.json === true ? `${canonicalJson(facts)}\n` : `VERIFIED\n${tableOf(rows)}${note}`);
  return 0;
}

/** Bytes as they are, or as base64 in one line. */
async function bytesIn(path: string, size: number, terminal: Terminal): Promise<Uint8Array> {
  const bytes = await terminal.readFile(path);
  if (bytes.length === size) return bytes;
  const decoded = parseBase64((parseUtf8(bytes) ?? "").trim());
  if (decoded !== undefined && decoded.length === size) return decoded;
  throw new Fault("measurement/bad-id-block", `expected ${size} bytes in ${path}, or their base64`);
}

function authorRow(digest: Uint8Array | undefined): readonly (readonly string[])[] {
  return digest === undefined ? [] : [["author key", hexOf(digest)]];
}

function said(text: string | undefined, expected: string): string {
  if (text !== undefined) return text;
  throw new Misuse(`expected ${expected}`);
}
