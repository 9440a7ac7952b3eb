/** What is a type that only one module can make? A brand: erased at run time, additive at compile time. */

declare const mark: unique symbol;

/** Marks add up: a `Brand<Brand<T, "A">, "B">` is still an `A`. */
export type Brand<T, Name extends string> = T & { readonly [mark]: { readonly [K in Name]: true } };
