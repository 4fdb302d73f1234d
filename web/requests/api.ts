/** A node's index. It is read here and believed nowhere: receipts are judged in this browser. */

export interface RequestRow {
  readonly requestId: string;
  readonly chainId: number;
  readonly phase: string;
  readonly consumer: string;
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly deadline: number;
  readonly fee: string;
  readonly lastError: string | null;
  /** Seconds. */
  readonly blockTime: number;
  readonly model: string | null;
  /** The beginning of the question, where it is public. */
  readonly asked: string | null;
  /** Of the answer or the settlement. */
  readonly status: string | null;
  readonly settlement: { readonly kind: string } | null;
  readonly answeredAt: number | null;
}

export interface RequestDetail {
  readonly requestId: string;
  readonly chainId: number;
  readonly phase: string;
  readonly consumer: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly blockNumber: number;
  readonly blockTime: number;
  readonly requestTx: string;
  readonly lastError: string | null;
  readonly refusal: string | null;
  readonly answer: {
    readonly reason: string;
    readonly keysetId: string;
    readonly settlesFrom: number;
    readonly answer: Readonly<Record<string, unknown>>;
    readonly admission: Admission | null;
  } | null;
  readonly settlement: {
    readonly kind: string;
    readonly status: number;
    readonly keysetId: string;
    readonly answeredAt: number;
    readonly outputHash: string;
    readonly callbackSucceeded: boolean | null;
    readonly tx: string;
    readonly blockNumber: number;
    readonly deliveredAgainTx: string | null;
  } | null;
  readonly transactions: readonly string[];
}

export interface Admission {
  readonly event: string;
  readonly chainId: number;
  readonly blockNumber: number;
  readonly keysetId: string;
  readonly policyId: string;
  readonly expiresAt: number;
  readonly platform: string;
  readonly tx: string;
}

/** What a node serves on a chain, as the chain has it; an entry that could not be read has `fault` alone. */
export interface ServedContracts {
  readonly chainId: number;
  readonly coordinator: string;
  readonly registry: string;
  readonly policies: readonly (Policy | (Pick<Policy, "policyId"> & Fault))[];
  readonly ledgers: readonly (Ledger | (Pick<Ledger, "address" | "kind"> & Fault))[];
  readonly agents: readonly (Agent | (Pick<Agent, "account" | "grantId"> & Fault))[];
}

export interface Fault {
  readonly fault: string;
}

export interface Policy {
  readonly policyId: string;
  /** 0: there is none. */
  readonly version: number;
  readonly validitySeconds: number;
  readonly keysBeforeRequest: boolean;
  readonly distinctVendors: boolean;
  readonly quorumWindowSeconds: number;
  readonly owner: string;
  readonly guardian: string | null;
  readonly timelockSeconds: number;
  readonly pending: readonly { readonly executableAt: number; readonly expiresAt: number }[];
  readonly rules: readonly { readonly name: string; readonly subject: string }[] | null;
}

export interface Ledger {
  readonly address: string;
  readonly kind: "snapshot" | "proven";
  readonly policyId?: string;
  readonly threshold?: number;
  /** Wei. */
  readonly price?: string;
  readonly entries?: string;
  readonly epochs?: number;
  readonly ruleId?: string;
}

export interface Agent {
  readonly account: string;
  readonly grantId: string;
  readonly programHash: string;
  readonly policyId: string;
  readonly slotSeconds: number;
  /** Wei. */
  readonly fee: string;
  readonly nextNonce: string;
  readonly isRevoked: boolean;
}

/** Why a node could not be asked, in words for a reader. */
export class NodeError extends Error {}

export interface Node {
  readonly url: string;
  readonly requests: (
    filter: URLSearchParams,
  ) => Promise<{ readonly requests: readonly RequestRow[]; readonly next: string | null }>;
  readonly request: (id: string) => Promise<RequestDetail>;
  readonly admissions: () => Promise<readonly Admission[]>;
  readonly contracts: () => Promise<readonly ServedContracts[]>;
  readonly receipt: (id: string) => Promise<Uint8Array<ArrayBuffer> | null>;
}

export function connectTo(url: string): Node {
  const json = async <Reply>(path: string): Promise<Reply> => (await (await ask(url, path)).json()) as Reply;
  return {
    url,
    requests: (filter) => json(`/v1/requests?${filter.toString()}`),
    request: (id) => json(`/v1/requests/${id}`),
    admissions: async () =>
      (await json<{ readonly admissions: readonly Admission[] }>("/v1/admissions?limit=50")).admissions,
    contracts: async () =>
      (await json<{ readonly chains: readonly ServedContracts[] }>("/v1/contracts")).chains,
    receipt: async (id) => {
      try {
        const reply = await ask(url, `/v1/receipts/${id}`, "application/json");
        return new Uint8Array(await reply.arrayBuffer());
      } catch (error) {
        if (error instanceof NodeError) return null;
        throw error;
      }
    },
  };
}

async function ask(url: string, path: string, accept = "application/json"): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(`${url}${path}`, {
      headers: { accept },
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new NodeError(
      `${url === "" ? "This node" : url} gives no answer: it is away, or does not let this page ask it.`,
    );
  }
  if (reply.ok) return reply;
  const body = (await reply.json().catch(() => null)) as {
    readonly error?: { readonly message?: string };
  } | null;
  throw new NodeError(body?.error?.message ?? `the node answered with HTTP ${reply.status}`);
}
