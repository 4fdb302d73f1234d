/** A PostgreSQL server on which tests make databases of their own; `undefined` where there is none. */
export function databaseUrl(): string | undefined {
  const url = process.env["DATABASE_URL"];
  return url === undefined || url === "" ? undefined : url;
}
