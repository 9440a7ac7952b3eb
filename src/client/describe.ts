/** What does a broker say of itself? Hints, for people and tools that pin nothing. */
import type { BrokerDescription } from "../wire/messages.ts";
import { decodeBrokerDescription } from "../wire/well-known.ts";
import { fetchBounded, type Send } from "./bounded-fetch.ts";

/** @throws {@link Fault} `broker/unreachable`. */
export async function describeBroker(url: string, fetch: Send): Promise<BrokerDescription> {
  return decodeBrokerDescription(await fetchBounded(`${url}/.well-known/ostiary`, fetch, {}));
}
