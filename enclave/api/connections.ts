/**
 * The right to hold connections. They come before any credential: a host, or anyone who reaches the port, can open as many as it
 * likes and say nothing. Nobody is refused for them. Where there are too many, one that does nothing goes, from the address that
 * holds the most: the oldest of those that never said a word, and only then the oldest of the others. All callers may come from one
 * address, a proxy's: whoever is in its handshake has spoken, and is not pushed out by a crowd that has not.
 */

import type { Server } from "node:https";
import type { Socket } from "node:net";

/** Milliseconds for the TLS handshake: two round trips and a signature. */
const HANDSHAKE_TIMEOUT_MS = 5_000;

export interface ConnectionLimits {
  /** Altogether, those with a call in flight included. */
  readonly total: number;
  /** Of one address, that do nothing: in their handshake, or between two calls. */
  readonly idlePerAddress: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = { total: 2_048, idlePerAddress: 256 };

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Calls in flight. */
  calls: number;
}

/** Keeps the connections of a server within `limits`, from now on. */
export function guardConnections(server: Server, limits: ConnectionLimits = CONNECTION_LIMITS): void {
  const connections = new Connections(limits);
  server.on("connection", (socket: Socket) => {
    const connection = connections.add(socket);
    const handshake = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS);
    socket.once("close", () => {
      clearTimeout(handshake);
      connections.remove(connection);
    });
    onceSecure.set(socket, () => {
      clearTimeout(handshake);
    });
  });
  server.on("secureConnection", (secure) => {
    const raw = rawSocketOf(secure);
    onceSecure.get(raw)?.();
  });
  server.on("request", (request, response) => {
    const done = connections.busy(rawSocketOf(request.socket));
    response.once("close", done);
  });
}

const onceSecure = new WeakMap<Socket, () => void>();

/** The TCP socket under a TLS one: Node keeps it as `_parent`, and shows it nowhere else. */
function rawSocketOf(secure: Socket): Socket {
  const { _parent: parent } = secure as Socket & { readonly _parent?: Socket };
  return parent ?? secure;
}

class Connections {
  readonly #limits: ConnectionLimits;
  /** In the order of their last use, the oldest first. */
  readonly #byAddress = new Map<string, Set<Connection>>();
  readonly #bySocket = new WeakMap<Socket, Connection>();
  #count = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  add(socket: Socket): Connection {
    const connection: Connection = { socket, address: networkOf(socket.remoteAddress ?? ""), calls: 0 };
    const peers = this.#byAddress.get(connection.address) ?? new Set();
    this.#byAddress.set(connection.address, peers);
    peers.add(connection);
    this.#bySocket.set(socket, connection);
    this.#count += 1;
    if (peers.size > this.#limits.idlePerAddress) this.#dropOldestIdle(peers);
    if (this.#count > this.#limits.total) this.#dropFromLargest(connection);
    return connection;
  }

  remove(connection: Connection): void {
    const peers = this.#byAddress.get(connection.address);
    if (peers?.delete(connection) !== true) return;
    this.#count -= 1;
    if (peers.size === 0) this.#byAddress.delete(connection.address);
  }

  /** Marks a call in flight until the returned function is called. */
  busy(socket: Socket): () => void {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined) return () => undefined;
    connection.calls += 1;
    return () => {
      connection.calls -= 1;
      const peers = this.#byAddress.get(connection.address);
      // Used just now: it goes to the end of the line.
      if (peers?.delete(connection) === true) peers.add(connection);
    };
  }

  /** At most one, since one came: those with calls in flight are not counted as idle, and stay. */
  #dropOldestIdle(peers: ReadonlySet<Connection>): void {
    const idle = [...peers].filter(({ calls }) => calls === 0);
    const first = firstToGo(idle);
    if (idle.length > this.#limits.idlePerAddress && first !== undefined) this.#drop(first);
  }

  #dropFromLargest(newest: Connection): void {
    const groups = [...this.#byAddress.values()].sort((a, b) => b.size - a.size);
    for (const peers of groups) {
      const connection = firstToGo([...peers].filter((peer) => peer.calls === 0 && peer !== newest));
      if (connection === undefined) continue;
      this.#drop(connection);
      return;
    }
    // Every one has a call in flight.
    this.#drop(newest);
  }

  #drop(connection: Connection): void {
    this.remove(connection);
    connection.socket.destroy();
  }
}

/** @param idle the oldest first */
function firstToGo(idle: readonly Connection[]): Connection | undefined {
  return idle.find(({ socket }) => socket.bytesRead === 0) ?? idle[0];
}

/** An address; of IPv6 the /64, since whoever has one of those has all of it. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(":")) return mapped ?? address;
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? [];
  const groups = head.split(":").filter((group) => group !== "");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter(Boolean).length;
  const all = [...groups, ...Array.from({ length: missing }, () => "0"), ...(tail ?? "").split(":")];
  return `${all.slice(0, 4).join(":")}::/64`;
}
