/** Are several processes on one SQLite file one broker, whichever of them is killed? */
import { severalProcesses } from "../contract/processes.ts";

severalProcesses(async () => ({ use: () => undefined, remove: async () => undefined }));
