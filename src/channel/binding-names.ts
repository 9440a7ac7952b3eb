/** What do people call a binding? The names of PROTOCOL section 1, as policies and configurations write them. */
import type { Binding, ChannelId } from "./bindings.ts";

export const BINDING_NAMES = { 1: "ra-tls", 2: "tls-exporter", 3: "application" } as const;

/** What a policy calls `request.channel`. */
export const CHANNEL_NAMES = { 0: "kbs", ...BINDING_NAMES } as const satisfies Record<ChannelId, string>;

export type BindingName = (typeof BINDING_NAMES)[Binding];

export const ALL_BINDINGS: readonly Binding[] = [1, 2, 3];

export const ALL_BINDING_NAMES: readonly BindingName[] = ALL_BINDINGS.map(
  (binding) => BINDING_NAMES[binding],
);

/** The binding of a name; `undefined` for a word that is none. */
export function bindingNamed(name: string): Binding | undefined {
  return ALL_BINDINGS.find((binding) => BINDING_NAMES[binding] === name);
}
