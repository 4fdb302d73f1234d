import { ConfigError } from "../../protocol/errors.ts";

/** Why a listener could not open, as whoever configured it can mend it. */
const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there: end it, or choose another port",
  EACCES: "this user may not: choose a port above 1023",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "nobody knows a host of this name",
};

export function listenError(
  cause: Error,
  { host, port }: { readonly host: string; readonly port: number },
): Error {
  const { code = "" } = cause as NodeJS.ErrnoException;
  const why = WHY[code];
  if (why === undefined) return cause;
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `cannot listen on ${host}:${port}: ${why}`,
    details: { host, port },
    cause,
  });
}
