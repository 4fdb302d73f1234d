/** Ports that a person, or a default, names: tried before anything is started. */

import { createServer } from "node:net";
import { ConfigError } from "../protocol/errors.ts";

/** @throws {ConfigError} CONFIG_INVALID when somebody listens there already, or may not */
export async function checkPort(port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === "EADDRINUSE"
        ? "is in use, by another network (Ctrl-C in its terminal ends it) or another program"
        : `cannot be used (${code ?? "?"})`;
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `port ${port} of 127.0.0.1 ${why}. Name another with --port`,
      details: { port },
      cause,
    });
  }
  await new Promise<void>((resolve) =>
    server.close(() => {
      resolve();
    }),
  );
}
