/** How is the certificate of a chip or of a provider's fleet called in the inventory? By what it is good for. */

/** Of a name as long as a chip's id its beginning is enough to tell one from another. */
export function leafName(
  kind: "vcek" | "vlek",
  { product, holder, tcb }: { readonly product: string; readonly holder: string; readonly tcb: string },
): string {
  return `${kind}/${product}/${holder.slice(0, 32)}/${tcb}`;
}
