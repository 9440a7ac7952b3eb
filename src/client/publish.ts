/** How is a head put where others find it? One PUT of the note, within a time; whoever takes it answers with a good status. */
import { Fault } from "../base/fault.ts";
import { bytesOf, type Send } from "./bounded-fetch.ts";

export interface PublicationDoor {
  readonly url: string;
  /** Shown as a bearer token, where there is one. */
  readonly token?: string;
  readonly fetch: Send;
  /** Ends a request that takes longer. */
  readonly signal: () => AbortSignal;
}

/** Nothing is sent twice. @throws {@link Fault} `broker/unreachable`, or what `fetch` throws. */
export async function putHead({ url, token, fetch, signal }: PublicationDoor, note: string): Promise<void> {
  const response = await fetch(url, {
    method: "PUT",
    body: note,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    redirect: "error",
    signal: signal(),
  });
  await bytesOf(response);
  if (response.ok) return;
  throw new Fault("broker/unreachable", `expected \`${url}\` to take a head (${response.status})`, {
    status: response.status,
  });
}
