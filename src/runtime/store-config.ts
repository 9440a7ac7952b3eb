/** Where does the configuration say that the database is? A PostgreSQL server by URL, and how its connection is kept private. */
import * as v from "valibot";
import { path } from "./config-fields.ts";

export interface StoreConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly role: string;
  /** Off for a socket, and for this machine where asked. */
  readonly isEncrypted: boolean;
  readonly passwordFile?: string;
  readonly caFile?: string;
}

const FORM =
  "`postgres://ROLE@HOST[:PORT]/NAME` or, for a socket, `postgres://ROLE@localhost/NAME?host=/FOLDER`, without a password";

const MEMBERS = v.objectWithRest(
  {
    url: v.pipe(
      v.string(),
      v.check((text) => placeOf(text) !== undefined, FORM),
    ),
    password_file: v.optional(path),
    ca_file: v.optional(path),
    tls: v.optional(v.picklist(["verify", "off"]), "verify"),
  },
  v.never("no such member"),
);

/** `[store]`: a connection that leaves this machine is encrypted, and the server proves who it is. */
export const STORE = v.pipe(
  MEMBERS,
  v.forward(
    v.partialCheck(
      [["url"], ["tls"]],
      ({ url, tls }) => tls === "verify" || isLocal(placeOf(url)?.host ?? ""),
      '"verify" for a server on another machine',
    ),
    ["tls"],
  ),
);

/** What the schema let through. */
export function storeConfigOf(read: v.InferOutput<typeof STORE>): StoreConfig | undefined {
  const place = placeOf(read.url);
  if (place === undefined) return undefined;
  return {
    ...place,
    isEncrypted: read.tls === "verify" && !place.host.startsWith("/"),
    ...(read.password_file === undefined ? {} : { passwordFile: read.password_file }),
    ...(read.ca_file === undefined ? {} : { caFile: read.ca_file }),
  };
}

type Place = Pick<StoreConfig, "host" | "port" | "database" | "role">;

const URL_OF_SERVER =
  /^postgres:\/\/(?<role>[A-Za-z_][\w-]{0,62})@(?:(?<name>[A-Za-z0-9.-]{1,253})|\[(?<address>[0-9a-f:]{2,45})\])(?::(?<port>\d{1,5}))?\/(?<database>[A-Za-z_][\w-]{0,62})(?:\?host=(?<socket>\/[\w./-]{0,100}))?$/;

function placeOf(text: string): Place | undefined {
  const { role, name, address, port = "5432", database, socket } = URL_OF_SERVER.exec(text)?.groups ?? {};
  const host = name ?? address;
  if (role === undefined || database === undefined || host === undefined) return undefined;
  if (Number(port) > 65_535 || (socket !== undefined && !isLocal(host))) return undefined;
  return { host: socket ?? host, port: Number(port), database, role };
}

function isLocal(host: string): boolean {
  return host.startsWith("/") || ["localhost", "127.0.0.1", "::1"].includes(host);
}
