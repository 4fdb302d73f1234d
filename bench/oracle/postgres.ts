/** A database of its own for each run, on a server that is there. */

import { randomUUID } from "node:crypto";
import { Client } from "pg";

export interface Database {
  readonly url: string;
  readonly drop: () => Promise<void>;
}

/** @param server of a role that may create databases: `postgresql://user@host:port/database` */
export async function createDatabase(server: string): Promise<Database> {
  const name = `adyton_bench_${randomUUID().replaceAll("-", "")}`;
  await run(server, `create database ${name} encoding 'UTF8' locale 'C' template template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(server, `drop database ${name} with (force)`) };
}

async function run(server: string, statement: string): Promise<void> {
  const client = new Client(server);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
