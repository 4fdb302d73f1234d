/** The PostgreSQL server that chaos may use and empty. */
export function databaseUrl(): string {
  const url = process.env["DATABASE_URL"];
  if (url === undefined || url === "") {
    throw new Error("set DATABASE_URL to a PostgreSQL database that may be emptied");
  }
  return url;
}
