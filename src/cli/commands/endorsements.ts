/** `ostiary endorsements export|import FILE`: AMD's certificates and CRLs, carried to a broker that asks nobody. */
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import { base64Of, parseUtf8, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { encodeEndorsementCounts } from "../../wire/endorsement-bundle.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, Misuse } from "../command.ts";

const USAGE = `ostiary endorsements export FILE [--without-chips]
                                     every certificate and CRL of AMD's that the broker keeps, as PEM
ostiary endorsements import FILE     gives them to a broker, which proves each to AMD's roots before it keeps any

A file with a CRL older than one that the broker has seen is refused as a whole. A file holds at most 1 MiB, some five
hundred chips; without chips it is small, and guests bring their own.

${ADMIN_USAGE}`;

const OPTIONS = { ...ADMIN_OPTIONS, "without-chips": { type: "boolean" } } as const;
const MAX_FILE_BYTES = 1_048_576;
const WORLD_READABLE = 0o644;

export function createEndorsementsCommand(open: OpenAdminSession): Command {
  return {
    name: "endorsements",
    summary: "AMD's certificates and CRLs as a file: export, import",
    usage: USAGE,
    run: async ([verb, ...rest], terminal) => {
      if (verb !== "export" && verb !== "import")
        throw new Misuse("expected export or import after `endorsements`");
      const { values, positionals } = parseArguments(rest, OPTIONS);
      const path = oneWord(positionals, "FILE");
      const { client } = await open(adminOptionsOf(values));
      if (verb === "export") {
        const all = await client.listEndorsements();
        const pieces = all.filter(({ key }) => values["without-chips"] !== true || !key.startsWith("vcek/"));
        const pem = pemOf(pieces);
        await terminal.writeFile(path, utf8(pem), WORLD_READABLE);
        terminal.out(
          values.json === true
            ? `{"pieces":${pieces.length}}\n`
            : `${pieces.length} certificates and CRLs are in ${path}\n`,
        );
        return 0;
      }
      const counts = await client.importEndorsements(pemIn(await terminal.readFile(path, MAX_FILE_BYTES)));
      const { authorities, chips, crls } = counts;
      const said = `kept ${authorities} authorities, ${chips} chips and ${crls} CRLs, all proven to AMD's roots\n`;
      terminal.out(values.json === true ? `${encodeEndorsementCounts(counts)}\n` : said);
      return 0;
    },
  };
}

/** One certificate may be under two keys: the ARK stands beside each of its intermediates. */
function pemOf(pieces: readonly { readonly key: string; readonly der: Uint8Array }[]): string {
  const blocks = new Set(
    pieces.map(({ key, der }) => blockOf(key.startsWith("crl/") ? "X509 CRL" : "CERTIFICATE", der)),
  );
  const pem = [...blocks].join("");
  if (pem === "") throw new Fault("endorsement/missing", "expected a broker that has fetched something");
  if (pem.length <= MAX_FILE_BYTES) return pem;
  throw new Misuse("expected at most 1 MiB: leave the chips out with --without-chips");
}

function blockOf(label: string, der: Uint8Array): string {
  const lines = base64Of(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** What is no such file is found out here, without a broker. */
function pemIn(bytes: Uint8Array): string {
  parseEndorsementFile(bytes);
  const text = parseUtf8(bytes);
  if (text !== undefined) return text;
  throw new Fault("endorsement/malformed", "expected certificates and CRLs in PEM");
}
