/** How is a verb run in a test? As the command line runs it: what it printed, how it ended, and by whose session it asked. */
import { Fault } from "../../src/base/fault.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import type { OpenAdminSession } from "../../src/cli/admin-session.ts";
import { type Command, exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { AUDIENCE, type BrokerAtHand } from "../http/broker-at-hand.ts";

export interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  /** What it ended by, where it did not end in order. */
  readonly thrown?: unknown;
}

/** @param change - Of a terminal that is none of a person's, without files. */
export async function runCommand(
  command: Pick<Command, "run">,
  words: readonly string[],
  change: Partial<Terminal> = {},
): Promise<Ended> {
  let [out, err] = ["", ""];
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    isTty: false,
    readFile: async (path) => Promise.reject(new Fault("file/unusable", `no file \`${path}\``)),
    writeFile: async () => undefined,
    ...change,
  };
  try {
    return { status: await command.run(words, terminal), out, err };
  } catch (thrown) {
    return { status: exitStatusOf(thrown, ({ code }) => FAULT_CODES[code].status), out, err, thrown };
  }
}

/** The session of an admin; of the broker's own, unless it is another's. */
export function sessionOf(
  { admin, adminSigner, world }: Pick<BrokerAtHand, "admin" | "adminSigner" | "world">,
  change: Partial<Awaited<ReturnType<OpenAdminSession>>> = {},
): OpenAdminSession {
  const session = { client: admin, signer: adminSigner, audience: AUDIENCE, url: AUDIENCE, now: world.now };
  return async () => ({ ...session, ...change });
}
