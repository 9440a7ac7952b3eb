/** What is a witness in a test? One in this process, asked as over HTTP. */
import { type AskWitness, createWitness } from "../../src/broker/witness.ts";
import type { Anchor, World } from "../../src/broker/world.ts";
import { createWitnessApp } from "../../src/http/witness.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";

export type Witness = ReturnType<typeof witnessAtHand>;

/** A witness in this process, which may answer otherwise than it should. */
export function witnessAtHand(
  name: string,
  instead?: AskWitness,
  bent: (answer: string) => string = (answer) => answer,
) {
  const signer = createEd25519Signer(name, generateEd25519Pem());
  const key = { name: `witness.example/${name}`, spki: signer.spki };
  const logs: { readonly name: string; readonly spki: Uint8Array }[] = [];
  let now: World["now"] | undefined;
  const heads = new Map();
  const app = createWitnessApp({
    name: key.name,
    signer,
    logs,
    memory: { last: (origin) => heads.get(origin), keep: async (head) => void heads.set(head.origin, head) },
    primitives: nodePrimitives,
    now: () => now?.() ?? (0 as never),
    rateLimit: () => ({ isAllowed: true }) as never,
    log: () => undefined,
  });
  const url = `http://${name}.example`;
  const ask: AskWitness = async (body) => {
    const answer = await app(new Request(`${url}/add-checkpoint`, { method: "POST", body }), "");
    return { status: answer.status, body: bent(await answer.text()) };
  };
  const inner = createWitness({ url, key, isRequired: false, ask: instead ?? ask });
  const anchor: Anchor = {
    ...inner,
    keep: (note, world) => {
      now = world.now;
      return inner.keep(note, world);
    },
  };
  return { key, logs, anchor };
}
