/** `ostiary agent …`: the guest's side. A secret goes to a descriptor, a file in tmpfs or cryptsetup, and nowhere else. */
import { AGENT_USAGE } from "../agent-session.ts";
import { type Command, type ExitStatus, Misuse, type ProgramStatus, type Terminal } from "../command.ts";
import { CLEVIS_USAGE, type ClevisEdges, runClevis } from "./agent-clevis.ts";
import { CONFIRM_USAGE, type ConfirmEdges, runConfirm } from "./agent-confirm.ts";
import { DOCTOR_USAGE, type DoctorEdges, runDoctor } from "./agent-doctor.ts";
import { EXEC_USAGE, type ExecEdges, runExec } from "./agent-exec.ts";
import { GET_USAGE, type GetEdges, runGet } from "./agent-get.ts";
import { GIVE_BACK_USAGE, type GiveBackEdges, runGiveBack } from "./agent-give-back.ts";
import { PUT_USAGE, type PutEdges, runPut } from "./agent-put.ts";
import { REKEY_USAGE, type RekeyEdges, runRekey } from "./agent-rekey.ts";
import { runAgentServe, SERVE_USAGE, type ServeEdges } from "./agent-serve.ts";
import { runToken, TOKEN_USAGE, type TokenEdges } from "./agent-token.ts";
import { runTransit, TRANSIT_USAGE, type TransitEdges } from "./agent-transit.ts";
import { runUnlock, UNLOCK_USAGE, type UnlockEdges } from "./agent-unlock.ts";

/** What the agent does, handed in: this floor's rooms are strangers. */
export interface AgentEdges
  extends ClevisEdges,
    ConfirmEdges,
    DoctorEdges,
    ExecEdges,
    GetEdges,
    GiveBackEdges,
    PutEdges,
    RekeyEdges,
    ServeEdges,
    TokenEdges,
    TransitEdges,
    UnlockEdges {
  readonly writeSecrets: GetEdges["writeSecrets"];
}

interface AgentVerb {
  readonly name: string;
  readonly usage: string;
  readonly run: (
    args: readonly string[],
    edges: AgentEdges,
    terminal: Terminal,
  ) => Promise<ExitStatus | ProgramStatus>;
}

const VERBS: readonly AgentVerb[] = [
  { name: "get", usage: GET_USAGE, run: runGet },
  { name: "put", usage: PUT_USAGE, run: runPut },
  { name: "token", usage: TOKEN_USAGE, run: runToken },
  { name: "confirm", usage: CONFIRM_USAGE, run: runConfirm },
  { name: "give-back", usage: GIVE_BACK_USAGE, run: runGiveBack },
  { name: "unlock", usage: UNLOCK_USAGE, run: runUnlock },
  { name: "clevis", usage: CLEVIS_USAGE, run: runClevis },
  { name: "rekey", usage: REKEY_USAGE, run: runRekey },
  { name: "transit", usage: TRANSIT_USAGE, run: runTransit },
  { name: "doctor", usage: DOCTOR_USAGE, run: runDoctor },
  { name: "exec", usage: EXEC_USAGE, run: runExec },
  { name: "serve", usage: SERVE_USAGE, run: runAgentServe },
];

const USAGE = `${VERBS.map(({ usage }) => usage).join("")}
put writes what is in FILE (- for standard input) as the next version of PATH, where the policy lets this guest write it; with --cas
only if N is the newest version now, 0 for a path that has none. get writes to file descriptor N (1 where standard output is no terminal), or to FILE, which must be in tmpfs. Several
secrets need hex or base64, one line each. token writes a JWT for AUD there, bound to a key: a new one, which goes to
FILE in tmpfs (PKCS#8 PEM), or one whose public half is in FILE (PEM); --no-key is for audiences that the broker registered
as bearer. For the broker's own audience it is the attestation result. unlock opens the LUKS2 volume on DEVICE as /dev/mapper/NAME, if its header is
one that is accepted and its marker is made with the secret; --test-passphrase only tries it, --adopt marks a volume that has no marker, --format-on-grant makes
one where the broker releases PATH/format, --epoch counts at PATH/epoch and refuses an older image. rekey brings a volume to the newest version. confirm tells the broker that this version is in use here and that this guest needs
no earlier one; --also names the report ids that it had before its restarts. give-back ends the lease of a secret that one guest at a
time may hold, by the fence that get printed. A key that does not open the volume ends with status 1.
transit uses a key that stays at the broker, on standard input or FILE: encrypt, rewrap, sign and hmac print a text as \`ostiary:v3:…\`;
decrypt and datakey write plaintext where \`get\` does; verify ends with status 1 where the key did not make the text over this message.
doctor looks at this guest: SEV-SNP, kernel, firmware, command line, memory, clock and brokers, and says of each finding what to do; status 1 where
one is an error. It changes nothing, and needs no broker.
exec runs COMMAND with secrets in its environment (--env) or in files in tmpfs whose paths are there (--file), and ends with its status; FORMAT is raw, hex,
base64 or json:NAME. serve is the daemon: it stays, and gives what its file names to applications of this guest; --check reads the file, names every problem and ends.

${AGENT_USAGE}`;

export function createAgentCommand(edges: AgentEdges): Command {
  return {
    name: "agent",
    summary:
      "the guest side: get or put a secret, get a token, unlock a disk, confirm a version, give back a lease, use a transit key, exec, serve",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      const verb = VERBS.find((known) => known.name === name);
      if (verb !== undefined) return verb.run(rest, edges, terminal);
      throw new Misuse(`expected one of ${VERBS.map((known) => known.name).join(", ")} after \`agent\``);
    },
  };
}
