/** Where a JSON-RPC server is, and what it wants to see first. */
export interface RpcAddress {
  /** Without user and password: `fetch` takes no such URL, and complains of it with the password in its words. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A user and a password in the URL are sent as the Basic scheme has it (RFC 7617). */
export function parseRpcUrl(text: string): RpcAddress {
  const url = new URL(text);
  const { username, password } = url;
  if (username === "" && password === "") return { url: text, headers: {} };
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  url.username = "";
  url.password = "";
  return { url: url.href, headers: { authorization: `Basic ${credentials.toString("base64")}` } };
}
