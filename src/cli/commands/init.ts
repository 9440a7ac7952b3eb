/** `ostiary init`: a folder with everything that a new broker needs, and what of it to back up. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { countOf, noWords, parseArguments } from "../arguments.ts";
import { DEFAULT_FOLDER } from "../broker-folder.ts";
import { type Command, Misuse } from "../command.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary init [--data DIR] [--audience URL] [--port N] [--mode production|demo] [--cloud NAME] [--tls NAME] [--no-kds]
             [--one-admin] [--json]

Makes DIR (ostiary-data) with a key-encryption key, the broker's signing, token and ledger keys, a database, a
configuration and the first admin's key. Nothing that is there already is overwritten.

  --audience URL   the broker's identity, which guests are configured with (http://127.0.0.1:PORT, https with --tls)
  --port N         where it listens on 127.0.0.1 (8480)
  --mode MODE      production, unless said otherwise; only demo may trust a simulator
  --cloud NAME     the simulated machine of a demonstration stands with gcp or aws, and the configuration trusts that cloud's word
  --tls NAME       end TLS 1.3 itself, with a certificate for this host name or address by an authority made for it
  --no-kds         never ask AMD's key server
  --one-admin      one admin may change policy alone, as in a demonstration; without it another person approves what widens access`;

export interface InitRequest {
  readonly audience: string;
  readonly mode: "production" | "demo";
  readonly port: number;
  readonly isKdsEnabled: boolean;
  readonly isOneAdmin?: boolean;
  readonly tlsName?: string;
  readonly cloud?: Cloud;
}

type Cloud = "gcp" | "aws";

export interface InitEdges {
  readonly init: (
    folder: string,
    request: InitRequest,
  ) => Promise<readonly { readonly path: string; readonly is: string; readonly backUp: string }[]>;
}

const DEFAULT_PORT = "8480";

export function createInitCommand({ init }: InitEdges): Command {
  return {
    name: "init",
    summary: "make a broker's data folder, keys, database and configuration",
    usage: USAGE,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, {
        data: { type: "string" },
        audience: { type: "string" },
        port: { type: "string" },
        mode: { type: "string" },
        cloud: { type: "string" },
        tls: { type: "string" },
        "no-kds": { type: "boolean" },
        "one-admin": { type: "boolean" },
        json: { type: "boolean" },
      });
      noWords(positionals);
      const port = countOf(values.port ?? DEFAULT_PORT, "--port");
      const mode = modeOf(values.mode ?? "production");
      const cloud = cloudOf(values.cloud, mode);
      const made = await init(values.data ?? DEFAULT_FOLDER, {
        audience: values.audience ?? audienceOf(values.tls, port),
        mode,
        port,
        isKdsEnabled: values["no-kds"] !== true,
        ...(values["one-admin"] === true ? { isOneAdmin: true } : {}),
        ...(values.tls === undefined ? {} : { tlsName: values.tls }),
        ...(cloud === undefined ? {} : { cloud }),
      });
      terminal.out(
        values.json === true
          ? `${canonicalJson({ made: made.map((file) => ({ ...file })) })}\n`
          : tableOf([["file", "is", "back up"], ...made.map(({ path, is, backUp }) => [path, is, backUp])]),
      );
      return 0;
    },
  };
}

function modeOf(word: string): "production" | "demo" {
  if (word === "production" || word === "demo") return word;
  throw new Misuse(`expected --mode production or demo, received \`${word}\``);
}

function cloudOf(word: string | undefined, mode: "production" | "demo"): Cloud | undefined {
  if (word === undefined) return undefined;
  if (mode !== "demo")
    throw new Misuse("--cloud is for --mode demo: it says where the simulated machine stands");
  if (word === "gcp" || word === "aws") return word;
  throw new Misuse(`expected --cloud gcp or aws, received \`${word}\``);
}

function audienceOf(tlsName: string | undefined, port: number): string {
  return tlsName === undefined ? `http://127.0.0.1:${port}` : `https://${tlsName}:${port}`;
}
