/** `ostiary advisory …`: what AMD's bulletins ask of firmware, as data that operators sign and the broker keeps. */
import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import {
  type Advisory,
  advisoryIn,
  encodeAdvisory,
  openAdvisory,
  parseAdvisorySource,
  signAdvisory,
} from "../../policy/advisory.ts";
import { chooseBulletins, writeFloor } from "../../policy/advisory-writ.ts";
import { cosignDsse, keyIdsIn } from "../../policy/signatures.ts";
import type { AdvisoryView } from "../../wire/advisory.ts";
import {
  ADMIN_OPTIONS,
  ADMIN_USAGE,
  type AdminOptions,
  adminOptionsOf,
  type OpenAdminSession,
} from "../admin-session.ts";
import { bulletinTable, bulletinText } from "../advisory-text.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { publicKeyOf } from "../public-key.ts";

const USAGE = `ostiary advisory sign FILE --to SIGNED          your signature on the data in FILE, or beside those in it
ostiary advisory verify SIGNED --public KEY…    who of these keys signed it, without a broker
ostiary advisory import SIGNED                  gives it to the broker: signed by operators, and newer than the one it has
ostiary advisory show [AMD-SB-NNNN…]            the broker's bulletins, or some in full; --file FILE those of a file
ostiary advisory floor [AMD-SB-NNNN…] --owner MAIL [--line LINE…]
                                                what they ask together, as a floor of Writ for review

  --to FILE        where the signed data goes
  --public FILE    Ed25519 public key, PEM; several times for several
  --file FILE      data in a file, signed or not, instead of the broker's
  --owner MAIL     who answers for the floor
  --line LINE      a silicon line (milan, genoa-x, …); several times for several, all unless said
  --name NAME      of the floor, as a name of Writ

${ADMIN_USAGE}`;

export interface AdvisoryEdges {
  readonly open: OpenAdminSession;
  readonly primitives: Pick<Primitives, "verify" | "digest">;
}

interface Edges extends AdvisoryEdges {
  readonly terminal: Terminal;
}

const VERBS: Readonly<Record<string, (args: readonly string[], edges: Edges) => Promise<ExitStatus>>> = {
  sign,
  verify,
  import: importFile,
  show,
  floor,
};

export function createAdvisoryCommand(edges: AdvisoryEdges): Command {
  return {
    name: "advisory",
    summary: "what AMD's bulletins ask of firmware: sign, verify, import, show, floor",
    usage: USAGE,
    run: async ([name = "", ...rest], terminal) => {
      const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
      if (verb === undefined)
        throw new Misuse("expected sign, verify, import, show or floor after `advisory`");
      return verb(rest, { ...edges, terminal });
    },
  };
}

/** What is signed is shown first: where somebody signed it before, theirs stays. */
async function sign(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, to: { type: "string" } });
  const { to } = values;
  if (to === undefined) throw new Misuse("expected --to SIGNED: where the signed data goes");
  const { advisory, envelope } = await readFile(oneWord(positionals, "FILE"), terminal);
  const { signer } = await open(adminOptionsOf(values));
  terminal.err(bulletinTable(advisory));
  const signed =
    envelope === undefined ? await signAdvisory(advisory, signer) : await cosignDsse(envelope, signer);
  await terminal.writeFile(to, utf8(`${signed}\n`), 0o644);
  terminal.out(`signed in ${to}; next: ostiary advisory import ${to}\n`);
  return 0;
}

async function verify(args: readonly string[], { primitives, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    public: { type: "string", multiple: true },
    json: { type: "boolean" },
  });
  const files = values.public ?? [];
  if (files.length === 0) throw new Misuse("expected --public KEY: whose signature counts");
  const { envelope } = await readFile(oneWord(positionals, "SIGNED"), terminal);
  if (envelope === undefined) throw new Fault("advisory/bad-signature", "advisory: expected signed data");
  const keys = await Promise.all(files.map(async (file) => publicKeyOf(await terminal.readFile(file), file)));
  const opened = await openByKeys(envelope, keys, primitives);
  const facts = { serial: opened.advisory.serial, issued: opened.advisory.issued, digest: opened.digest };
  terminal.out(
    values.json === true
      ? `${canonicalJson({ ...facts, signedBy: [...opened.signedBy] })}\n`
      : `${bulletinTable(opened.advisory)}\nsigned by ${opened.signedBy.join(", ")}\n`,
  );
  return 0;
}

/** A key has no name here: whichever id its signature has is its own. */
async function openByKeys(
  envelope: string,
  keys: readonly Uint8Array[],
  primitives: Pick<Primitives, "verify" | "digest">,
) {
  const named = keyIdsIn(envelope).flatMap((kid) => keys.map((spki) => ({ kid, spki })));
  const signers = named.map((key) => ({ ...key, person: key.kid, roles: [], under: [], owns: [] }));
  return openAdvisory(envelope, { signers, threshold: 1 }, primitives);
}

async function importFile(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const { envelope } = await readFile(oneWord(positionals, "SIGNED"), terminal);
  if (envelope === undefined) {
    throw new Fault(
      "advisory/bad-signature",
      "advisory: expected signed data (`ostiary advisory sign FILE`)",
    );
  }
  const { client } = await open(adminOptionsOf(values));
  tell(await client.importAdvisory(envelope), values.json, terminal);
  return 0;
}

const FILE = { ...ADMIN_OPTIONS, file: { type: "string" } } as const;

async function show(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals: ids } = parseArguments(args, FILE);
  const { terminal } = edges;
  if (ids.length === 0 && values.file === undefined) {
    tell(await (await edges.open(adminOptionsOf(values))).client.advisory(), values.json, terminal);
    return 0;
  }
  const advisory = await advisoryOf(values, edges);
  const { bulletins } = chooseBulletins(advisory, ids);
  const text = ids.length === 0 ? bulletinTable(advisory) : bulletins.map(bulletinText).join("\n");
  const json = new TextDecoder().decode(encodeAdvisory({ ...advisory, bulletins }));
  terminal.out(values.json === true ? `${json}\n` : text);
  return 0;
}

function tell(view: AdvisoryView, isJson: boolean | undefined, terminal: Terminal): void {
  const { advisory, digest, signedBy, importedBy } = view;
  const { serial, issued } = advisory;
  terminal.out(
    isJson === true
      ? `${canonicalJson({ serial, issued, digest, signedBy: [...signedBy], importedBy })}\n`
      : `${bulletinTable(advisory)}\nsigned by ${signedBy.join(", ")}; SHA-256 ${digest}\n`,
  );
}

async function floor(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals: ids } = parseArguments(args, {
    ...FILE,
    owner: { type: "string" },
    line: { type: "string", multiple: true },
    name: { type: "string" },
  });
  const { owner = "", name = nameOf(ids), line: lines = [] } = values;
  if (!/^[^\s"\\]{3,200}$/.test(owner))
    throw new Misuse("expected --owner MAIL of who answers for the floor");
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new Misuse("expected --name NAME, as a name of Writ");
  const chosen = chooseBulletins(await advisoryOf(values, edges), ids);
  const { writ, silent } = writeFloor(chosen, { floor: name, module: `amd.${name}`, owner }, lines);
  edges.terminal.out(writ);
  for (const one of silent) {
    edges.terminal.err(`warning: nothing is said of ${one}, and the row of its product would count for it\n`);
  }
  return 0;
}

function nameOf(ids: readonly string[]): string {
  const [id = "AMD bulletins"] = ids;
  return ids.length > 1 ? "amd_bulletins" : id.toLowerCase().replaceAll(/[^a-z0-9]/g, "_");
}

async function advisoryOf(
  { file, ...options }: AdminOptions & { readonly file?: string | undefined },
  { open, terminal }: Edges,
): Promise<Advisory> {
  if (file !== undefined) return (await readFile(file, terminal)).advisory;
  return (await (await open(adminOptionsOf(options))).client.advisory()).advisory;
}

interface AdvisoryFile {
  readonly advisory: Advisory;
  /** Where it is signed. */
  readonly envelope: string | undefined;
}

/** An envelope is known by its members. */
async function readFile(path: string, terminal: Terminal): Promise<AdvisoryFile> {
  const bytes = await terminal.readFile(path, MAX_FILE_BYTES);
  const limits = { maxBytes: MAX_FILE_BYTES, maxDepth: 7, code: "advisory/malformed" } as const;
  const value = parseStrictJson(bytes, limits);
  const isEnvelope = isJsonObject(value) && Object.hasOwn(value, "payloadType");
  if (!isEnvelope) return { advisory: parseAdvisorySource(bytes), envelope: undefined };
  const envelope = (parseUtf8(bytes) ?? "").trim();
  return { advisory: advisoryIn(envelope), envelope };
}

const MAX_FILE_BYTES = 1 << 20;
