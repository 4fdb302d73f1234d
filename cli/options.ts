/** Values of options that are numbers: refused with what they take, before anything is done. */

import { InvalidArgumentError } from "commander";

/** A TCP port; 0 takes any free one. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("expected a port: 0 to 65535");
  return port;
}

export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !(seconds > 0) || !Number.isFinite(seconds))
    throw new InvalidArgumentError("expected a number of seconds above 0");
  return seconds;
}
