import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { endWithUs } from "../../devnet/keeper.ts";
import { freePort } from "./free-port.ts";

const run = promisify(execFile);
/** PostgreSQL refuses to run as root; Debian's package brings this account. */
const ACCOUNT = "postgres";
const USER = "adyton";
const DATABASE = "chaos";
/** Lines of its log that explain why it did not start. */
const SHOWN_LINES = 20;
const FULL_DISK = `
  create schema chaos;
  create table chaos.full_disk (is_full boolean);
  create function chaos.refuse() returns trigger language plpgsql as $$
    begin
      if exists (select from chaos.full_disk) then
        raise exception 'could not extend file "base/16384/16385": No space left on device'
          using errcode = 'disk_full', hint = 'Check free disk space.';
      end if;
      return null;
    end $$;
  do $$ declare one record; begin
    for one in select schemaname, tablename from pg_tables where schemaname in ('public', 'pgboss') loop
      execute format(
        'create trigger full_disk before insert or update on %I.%I for each statement execute function chaos.refuse()',
        one.schemaname, one.tablename);
    end loop;
  end $$`;

/** A PostgreSQL server of the test's own, in a folder of its own: it can be killed and started again, and ends when we do. */
export class PostgresServer {
  readonly #bin: string;
  readonly #folder: string;
  readonly #port: number;
  #server: ChildProcess | undefined;

  private constructor(bin: string, folder: string, port: number) {
    this.#bin = bin;
    this.#folder = folder;
    this.#port = port;
  }

  static async start(): Promise<PostgresServer> {
    const folder = (await asAccount(["mktemp", "-d", "-t", "adyton-chaos-XXXXXX"])).trim();
    const server = new PostgresServer(findBinaries(), folder, await freePort());
    await server.#execute(
      "initdb",
      "-D",
      server.#data,
      "-A",
      "trust",
      "-U",
      USER,
      "-E",
      "UTF8",
      "--no-locale",
    );
    await server.#begin();
    await server.#execute("createdb", "-h", "127.0.0.1", "-p", String(server.#port), "-U", USER, DATABASE);
    return server;
  }

  get pid(): number | undefined {
    return this.#server?.pid;
  }

  get url(): string {
    return `postgresql://${USER}@127.0.0.1:${this.#port}/${DATABASE}`;
  }

  /** Stops without a checkpoint, as a crash does, and starts again: the log is replayed, every connection is gone. */
  async crashAndRestart(): Promise<void> {
    await this.#crash();
    await this.#begin();
  }

  /** Takes no rows, as a standby or a full disk does not, or takes them again. Connections stay. */
  async setReadOnly(isReadOnly: boolean): Promise<void> {
    const setting = isReadOnly ? "on" : "off";
    for (const statement of [
      `alter system set default_transaction_read_only = ${setting}`,
      "select pg_reload_conf()",
    ])
      await this.#query(statement);
  }

  /**
   * Lets every table that there is refuse rows while `setFull` says so, in the words of a server whose disk is full. A trigger does it: a
   * real disk of a test's own wants the rights of root.
   */
  async prepareFull(): Promise<void> {
    await this.#query(FULL_DISK);
  }

  /** Writes fail as on a full disk (53100), or succeed again. Connections stay. */
  async setFull(isFull: boolean): Promise<void> {
    await this.#query(isFull ? "insert into chaos.full_disk values (true)" : "delete from chaos.full_disk");
  }

  async remove(): Promise<void> {
    await this.#crash();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  /** A child of ours, as `pg_ctl` would not leave it: it must not outlive us. */
  async #begin(): Promise<void> {
    const settings = [
      "listen_addresses=127.0.0.1",
      `port=${this.#port}`,
      `unix_socket_directories=${this.#folder}`,
      // The process dies here, never the machine: what it wrote, the kernel has.
      "fsync=off",
    ];
    const server = spawn(
      join(this.#bin, "postgres"),
      ["-D", this.#data, ...settings.flatMap((setting) => ["-c", setting])],
      { ...(await accountIds()), cwd: "/", stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#server = server;
    endWithUs(server);
    await listening(server);
  }

  /** Ends it without a checkpoint. */
  async #crash(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    server.kill("SIGQUIT");
    await exited;
  }

  async #query(statement: string): Promise<void> {
    await this.#execute(
      "psql",
      "-q",
      "-v",
      "ON_ERROR_STOP=1",
      "-o",
      "/dev/null",
      "-d",
      this.url,
      "-c",
      statement,
    );
  }

  async #execute(program: string, ...args: readonly string[]): Promise<void> {
    await asAccount([join(this.#bin, program), ...args]);
  }
}

/** Resolves when the server takes connections; what it says is read on, or it would wait for a reader. */
async function listening(server: ChildProcess): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", () => {
      reject(new Error(`PostgreSQL did not start:\n${lines.join("\n")}`));
    });
    if (server.stderr === null) return;
    createInterface({ input: server.stderr }).on("line", (line) => {
      if (lines.length < SHOWN_LINES) lines.push(line);
      if (line.includes("ready to accept connections")) resolve();
    });
  });
}

/** Whom the server runs as: the account where we are root, else ourselves. */
async function accountIds(): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const id = async (flag: string): Promise<number> => Number((await run("id", [flag, ACCOUNT])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

/** @returns what the command printed */
async function asAccount(command: readonly string[]): Promise<string> {
  const asRoot = process.getuid?.() === 0;
  const [file = "", ...args] = asRoot ? ["runuser", "-u", ACCOUNT, "--", ...command] : command;
  return (await run(file, args, { cwd: "/" })).stdout;
}

function findBinaries(): string {
  const newest = globSync("/usr/lib/postgresql/*/bin").sort().at(-1);
  if (newest === undefined) {
    throw new Error(
      "PostgreSQL's programs are not in /usr/lib/postgresql: install Debian's package postgresql",
    );
  }
  return newest;
}
