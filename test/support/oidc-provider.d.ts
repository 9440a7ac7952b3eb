/** As much of the certified provider as tests use: it brings no types of its own. */
declare module "oidc-provider" {
  import type { RequestListener } from "node:http";

  export interface DeviceCode {
    readonly userCode: string;
    readonly params?: { readonly nonce?: string };
    nonce?: string | undefined;
    save(ttl?: number): Promise<string>;
  }

  export default class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    callback(): RequestListener;
    readonly DeviceCode: { readonly prototype: DeviceCode };
    on(event: "device_code.saved", listener: (code: DeviceCode) => void): void;
  }
}
