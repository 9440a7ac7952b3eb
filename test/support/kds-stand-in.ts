/** What does AMD's key server look like to a broker? A local one with the simulator's certificates, that fails as it is told. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { pemOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip, type SimulatedChip } from "../../src/simulator/sp.ts";
import { localServer } from "./local-server.ts";
import { SIMULATED_NOW, simulatedRoot } from "./simulated.ts";

/** What one request meets instead of the truth; `undefined` answers it well. */
export type KdsFault = ((response: ServerResponse, request: IncomingMessage) => void) | undefined;

export interface KdsStandIn {
  readonly url: string;
  /** Every path that was asked for, in order. */
  readonly asked: readonly string[];
  /** The most requests that were under way at once. */
  readonly mostAtOnce: () => number;
  /** The next requests meet these, one each; then the last one for ever where `forEver` says so. */
  readonly fail: (...faults: readonly KdsFault[]) => void;
  readonly failAlways: (fault: KdsFault) => void;
  readonly chipOf: (product: ProductLine) => SimulatedChip;
}

const PRODUCTS: Readonly<Record<string, ProductLine>> = { Milan: "milan", Genoa: "genoa", Turin: "turin" };
const chips = new Map<ProductLine, SimulatedChip>();

/** Serves until the test ends. */
export async function kdsStandIn(): Promise<KdsStandIn> {
  const asked: string[] = [];
  const faults: KdsFault[] = [];
  let always: KdsFault;
  let [atOnce, mostAtOnce] = [0, 0];
  const { url } = await localServer((request, response) => {
    asked.push(request.url ?? "");
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    response.once("close", () => {
      atOnce -= 1;
    });
    const fault = faults.length > 0 ? faults.shift() : always;
    if (fault === undefined) answer(request.url ?? "", response);
    else fault(response, request);
  });
  return {
    url,
    asked,
    mostAtOnce: () => mostAtOnce,
    fail: (...next) => void faults.push(...next),
    failAlways: (fault) => {
      always = fault;
    },
    chipOf,
  };
}

function chipOf(product: ProductLine): SimulatedChip {
  const known = chips.get(product) ?? createSimulatedChip(simulatedRoot(product));
  chips.set(product, known);
  return known;
}

function answer(path: string, response: ServerResponse): void {
  const [, kind, title = "", rest = ""] = /^\/(vcek|vlek)\/v1\/(\w+)\/([^?]+)/.exec(path) ?? [];
  const product = PRODUCTS[title];
  const body = product === undefined ? undefined : bodyOf({ isVlek: kind === "vlek", rest, product, path });
  if (body === undefined) response.writeHead(404).end();
  else response.writeHead(200, { "content-type": "application/octet-stream" }).end(body);
}

interface Asked {
  readonly isVlek: boolean;
  readonly rest: string;
  readonly product: ProductLine;
  readonly path: string;
}

function bodyOf({ isVlek, rest, product, path }: Asked): Uint8Array | string | undefined {
  const root = simulatedRoot(product);
  if (rest === "cert_chain") return `${pemOf(isVlek ? root.asvk : root.ask)}${pemOf(root.ark)}`;
  if (rest === "crl") return root.crl({ thisUpdate: SIMULATED_NOW });
  return isVlek || path !== vcekPathOf(chipOf(product)) ? undefined : chipOf(product).leaf;
}

/** Written by AMD's document and not by our client, so that the two must agree. */
function vcekPathOf({ product, chipId, tcb }: SimulatedChip): string {
  const two = (level: number | undefined): string => String(level ?? 0).padStart(2, "0");
  const levels = `blSPL=${two(tcb.bootloader)}&teeSPL=${two(tcb.tee)}&snpSPL=${two(tcb.snp)}&ucodeSPL=${two(tcb.microcode)}`;
  const hwid = Buffer.from(chipId).toString("hex");
  return product === "turin"
    ? `/vcek/v1/Turin/${hwid.slice(0, 16)}?fmcSPL=${two(tcb.fmc)}&${levels}`
    : `/vcek/v1/${product === "milan" ? "Milan" : "Genoa"}/${hwid}?${levels}`;
}

export const throttle =
  (seconds?: string): KdsFault =>
  (response) =>
    response.writeHead(429, seconds === undefined ? {} : { "retry-after": seconds }).end();
export const status =
  (code: number): KdsFault =>
  (response) =>
    response.writeHead(code).end("<html>an error page</html>");
export const html: KdsFault = (response) => response.writeHead(200).end("<html>maintenance</html>");
export const silence: KdsFault = () => undefined;
export const cut: KdsFault = (response) => void response.destroy();
export const breakOff: KdsFault = (response) => {
  response.writeHead(200, { "content-length": "2000" }).write("0");
  setTimeout(() => response.destroy(), 10);
};
export const oversized: KdsFault = (response) => response.writeHead(200).end(Buffer.alloc(70_000, 0x30));
export const body =
  (bytes: Uint8Array | string): KdsFault =>
  (response) =>
    response.writeHead(200).end(bytes);
