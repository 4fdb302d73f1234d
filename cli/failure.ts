/** The command line's messages when something went wrong, and their exit statuses. */

import { getSystemErrorMap } from "node:util";
import { CommanderError } from "commander";
import { AdytonError } from "../protocol/errors.ts";
import { ExitCode } from "./exit-codes.ts";
import { asTyped, runsFromClone } from "./invocation.ts";
import { printableBelow } from "./terminal.ts";

/** Says what went wrong, once, and gives the exit status for it. */
export function report(error: unknown): ExitCode {
  // commander has already written its message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (error instanceof AdytonError) {
    const { code, message } = error as AdytonError;
    say(`${message} [${code}]`);
    if (code === "CONFIG_TOOL_MISSING") return ExitCode.unavailable;
    return code.startsWith("INPUT_") ? ExitCode.usage : ExitCode.notGenuine;
  }
  const missing = missingPackage(error);
  if (missing !== undefined) {
    say(`this command needs ${missing}, which is not installed: ${howToInstall()} [CONFIG_TOOL_MISSING]`);
    return ExitCode.unavailable;
  }
  const refusal = systemRefusal(error);
  if (refusal !== undefined) {
    say(describeRefusal(refusal));
    return refusal.path === undefined ? ExitCode.notGenuine : ExitCode.usage;
  }
  if (error instanceof TypeError && (error as NodeJS.ErrnoException).code === "ERR_INVALID_URL") {
    // A path of ours was put to what somebody gave: that is no URL then, and not the path.
    const { base, input } = error as { readonly base?: string; readonly input?: string };
    say(`${base ?? input ?? ""} is no URL: it begins with https:// or http:// [INPUT_INVALID]`);
    return ExitCode.usage;
  }
  say(
    `this is a bug, please report it\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return ExitCode.notGenuine;
}

/** The package that Node looked for in vain: the light package comes without those that only a node needs. */
function missingPackage(error: unknown): string | undefined {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND")
    return undefined;
  return /^Cannot find package '([^']+)'/.exec(error.message)?.[1];
}

const howToInstall = (): string =>
  runsFromClone()
    ? "run `npm ci`"
    : "`npm install -g adyton-node`, and call `adyton-node` instead of `adyton`";

/** Refusals of the operating system: a file that cannot be read, a server that does not answer. */
function systemRefusal(error: unknown): NodeJS.ErrnoException | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("syscall" in error && "code" in error) return error as NodeJS.ErrnoException;
  // `fetch` wraps it, and so does a connection that was tried over IPv6 and IPv4.
  if (error instanceof AggregateError)
    return error.errors.map(systemRefusal).find((inner) => inner !== undefined);
  return error.cause === undefined ? undefined : systemRefusal(error.cause);
}

function describeRefusal(error: NodeJS.ErrnoException): string {
  const reason = getSystemErrorMap().get(error.errno ?? 0)?.[1] ?? error.message;
  const { address, port } = error as { readonly address?: string; readonly port?: number };
  if (error.path !== undefined) return `${error.path}: ${reason} [${error.code ?? ""}]`;
  // A port below a thousand or so, or one that another program has: `syscall` tells it from one where nobody answers.
  if (address !== undefined && error.syscall === "listen")
    return `cannot listen on port ${port ?? ""} of ${address}: ${reason} [${error.code ?? ""}]`;
  if (address !== undefined)
    return `nobody answers at ${address}:${port ?? ""}: ${reason} [${error.code ?? ""}]`;
  return `${reason} (${error.syscall ?? ""}) [${error.code ?? ""}]`;
}

function say(message: string): void {
  process.stderr.write(`adyton: ${printableBelow(asTyped(message), 2)}\n`);
}

/**
 * Ends us when what we print is not taken any more: nobody reads on, as in `adyton --help | head -1`, or the disk is full. What is under
 * way is ended as SIGTERM would end it. Never with 0: a verdict that was not read to its end is none.
 */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && stream === process.stdout)
        say(`cannot write what is to be printed: ${describeRefusal(error)}`);
      if (process.listenerCount("SIGTERM") > 0) process.emit("SIGTERM");
      else process.exit(ExitCode.brokenPipe);
    });
  }
}
