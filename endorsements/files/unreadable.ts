import { getSystemErrorMap } from "node:util";
import { InputError } from "../../protocol/errors.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder, and one file is wanted",
  ENOTDIR: "a part of its path is a file, and no folder",
  EACCES: "permission denied",
};

/** A URL where a file is wanted would be "no such file", which helps nobody. */
const URL_START = /^[a-z][a-z0-9+.-]*:\/\//i;

/** What Node has in place of the bytes of a name that it could not decode: no file is found by it. */
const UNDECODED = "\u{fffd}";

/** The error about a new file that cannot be written, with the reason. */
export function unwritable(path: string, cause: unknown): InputError {
  const { code, errno } = cause as NodeJS.ErrnoException;
  if (code === "EEXIST") {
    return new InputError({
      code: "INPUT_CONFLICT",
      message: `cannot write ${path}: what is already there is never overwritten`,
      cause,
    });
  }
  const reason = code === "ENOENT" ? "there is no such folder" : (REASONS[code ?? ""] ?? systemReason(errno));
  return new InputError({ code: "INPUT_INVALID", message: `cannot write ${path}: ${reason}`, cause });
}

/** The error about a file that cannot be read, with the reason. */
export function unreadable(path: string, cause: unknown): InputError {
  const { code, errno } = cause as NodeJS.ErrnoException;
  const reason = URL_START.test(path)
    ? "it is a URL, and a file is wanted: fetch it first"
    : path.includes(UNDECODED)
      ? "its name is not in UTF-8: rename it"
      : (REASONS[code ?? ""] ?? systemReason(errno));
  return new InputError({
    code: "INPUT_NOT_FOUND",
    message: `cannot read ${path}: ${reason}`,
    cause,
  });
}

/** In the words of the operating system. */
function systemReason(errno: number | undefined): string {
  return getSystemErrorMap().get(errno ?? 0)?.[1] ?? "it is not known why";
}
