/** `ostiary reference`: reference values from elsewhere into Writ, and out of it. */
import { type Command, Misuse } from "../command.ts";
import type { ReferenceEdges } from "../reference/edges.ts";

const USAGE = `ostiary reference import corim FILE (--key PUB | --unsigned) [options]    a CoRIM of AMD's profile, signed or not
ostiary reference import google FILE --root FILE [options]                Google's endorsement of a firmware
ostiary reference import azure FILE --unsigned [options]                  a list of the keys that sign Azure's paravisors
ostiary reference export FILE… --refset NAME --out FILE (--sign KEY | --unsigned) [options]

import prints a module in Writ, for a second person to read; what it could not carry over stands in it, and on standard error.

  --key PUB             a public key in PEM (P-256, P-384, Ed25519) whose signature counts; several by repeating
  --root FILE           Google's root for its firmware, in PEM
  --unsigned            takes a file that nobody signed
  --any-instance        takes values of one chip or provider for all
  --product NAME        milan, genoa or turin, for TCB versions beside which no model stands
  --owner MAIL          who answers for the values here
  --refset NAME         images unless said; --module NAME, --module-version N.N.N
  --valid FROM..TO      2026-12-01..2027-12-01; a file's own dates bind beside it, a year from today where nobody says

export writes a CoRIM.

  --refset NAME         a set of measurement, host_data or keys of ID blocks; several by repeating
  --floor NAME=TCB      a floor, for reported, committed, current or launch
  --sign KEY            a private key in PEM (P-256, P-384, Ed25519)
  --signer NAME         who says it; the owner of the set unless said. --id ID, of the CoRIM
  --valid FROM..TO      the entries of one window, where the set has several

Exit status: 0 done; 1 the file is not to be believed, or nothing in it can be said; 2 misuse; 3 a file cannot be used.`;

export function createReferenceCommand(edges: ReferenceEdges): Command {
  return {
    name: "reference",
    summary: "reference values from elsewhere: CoRIM, Google's firmware, Azure's keys",
    usage: USAGE,
    run: async ([verb = "", ...rest], terminal) => {
      if (verb === "import")
        return (await import("../reference/import.ts")).importReference(rest, edges, terminal);
      if (verb === "export")
        return (await import("../reference/export.ts")).exportReference(rest, edges, terminal);
      throw new Misuse(`expected import or export, received \`${verb}\``);
    },
  };
}
