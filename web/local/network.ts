/** What `adyton up` tells of its network, and how it is asked. */

export interface LocalNetwork {
  readonly chainId: string;
  readonly rpcUrl: string;
  readonly contracts: Readonly<Record<string, string>>;
  readonly models: readonly string[];
  /** Whether it has a place for files that the enclave shall read. */
  readonly servesFiles: boolean;
  readonly accounts: readonly { readonly address: string; readonly privateKey: string }[];
}

export interface Question {
  readonly question: string;
  readonly model: string;
  readonly returns: string;
  /** URLs. */
  readonly pages: readonly string[];
  readonly files: readonly { readonly name: string; readonly base64: string }[];
}

/** Of all images and documents of a question together. */
export const MAX_FILE_BYTES = 2_097_152;

/** @throws {Error} in words for a reader */
export async function readFiles(picked: readonly File[]): Promise<Question["files"]> {
  if (picked.reduce((bytes, { size }) => bytes + size, 0) > MAX_FILE_BYTES)
    throw new Error("Images and documents of a question have 2 MiB together: these have more.");
  return await Promise.all(picked.map(async (file) => ({ name: file.name, base64: await toBase64(file) })));
}

/** By the browser's own reader, which writes megabytes as a URL of data in no time. */
async function toBase64(file: File): Promise<string> {
  return await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const { result } = reader;
      resolve(typeof result === "string" ? (result.split(",")[1] ?? "") : "");
    };
    reader.onerror = () => {
      reject(new Error(`${file.name} cannot be read.`));
    };
    reader.readAsDataURL(file);
  });
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
