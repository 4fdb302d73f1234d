/** Where the store is: a directory of this process alone, or a PostgreSQL server by its URL. */
export type StoreConfig =
  { readonly kind: "pglite"; readonly path: string } | { readonly kind: "postgres"; readonly url: string };
