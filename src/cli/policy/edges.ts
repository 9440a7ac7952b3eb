/** What does a verb of `ostiary policy` reach? The broker, by an admin's key, and files. */
import type { Primitives } from "../../base/primitives.ts";
import type { OpenAdminSession } from "../admin-session.ts";
import type { ExitStatus, Terminal } from "../command.ts";

export interface PolicyEdges {
  readonly open: OpenAdminSession;
  readonly digest: Primitives["digest"];
}

export interface Edges extends PolicyEdges {
  readonly terminal: Terminal;
}

export type Subverb = (args: readonly string[], edges: Edges) => Promise<ExitStatus>;
