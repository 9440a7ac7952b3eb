/** How does evidence get bound to a TLS connection? Its exporter is read first, and both requests go over it: binding 2. */
import type { OpenChannel } from "../client/channel.ts";
import { createGuestClient } from "../client/guest.ts";
import { connectToBroker, type TlsBroker } from "./tls-connection.ts";

const EXPORTER_LABEL = "EXPORTER-Channel-Binding";
const EXPORTER_BYTES = 32;
const NO_CONTEXT = Buffer.alloc(0);

/** Binding 2: each attempt has a connection of its own. A connection that drops is not opened again: the nonce went with it. */
export function tlsChannel(broker: TlsBroker): OpenChannel {
  return async (signal) => {
    const { socket, brokerSpki, send } = await connectToBroker(broker, signal);
    const exporter = socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, NO_CONTEXT);
    const cb = new Uint8Array(exporter);
    const client = createGuestClient({ url: broker.url, fetch: send });
    return { client, carrier: { binding: 2, cb, brokerSpki }, close: () => socket.destroy() };
  };
}
