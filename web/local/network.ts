/** What `adyton up` tells of its network, and how it is asked. */

export interface LocalNetwork {
  readonly chainId: string;
  readonly rpcUrl: string;
  readonly contracts: Readonly<Record<string, string>>;
  readonly models: readonly string[];
  readonly accounts: readonly { readonly address: string; readonly privateKey: string }[];
}

export interface Question {
  readonly question: string;
  readonly model: string;
  readonly returns: string;
}

/** @returns null where no `adyton up` serves this page */
export async function readNetwork(): Promise<LocalNetwork | null> {
  try {
    const reply = await fetch("/local/network");
    return reply.ok ? ((await reply.json()) as LocalNetwork) : null;
  } catch {
    return null;
  }
}

/** @throws {Error} in words for a reader */
export async function askQuestion(question: Question): Promise<string> {
  const reply = await fetch("/local/ask", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(question),
  }).catch(() => null);
  if (reply === null) throw new Error("The network does not answer: `adyton up` has ended.");
  const body = (await reply.json()) as {
    readonly requestId?: string;
    readonly error?: { readonly message: string };
  };
  if (body.requestId !== undefined) return body.requestId;
  throw new Error(body.error?.message ?? `the network answered with HTTP ${reply.status}`);
}
