/** Are several processes on one SQLite file one broker, whichever of them is killed, and is a nonce of theirs one door (A05)? */
import { severalProcesses } from "../contract/processes.ts";

severalProcesses(async () => ({ use: () => undefined, remove: async () => undefined }));
