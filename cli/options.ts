/** Values of options that are numbers: refused with what they take, before anything is done. */

import { InvalidArgumentError } from "commander";

/** A TCP port; 0 takes any free one. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("expected a port: 0 to 65535");
  return port;
}

/** A place among those of a node of Chainlink Functions, counted from 0. */
export function parseSlot(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError("expected a slot: a whole number from 0");
  return Number(text);
}

/** A number of things, of which there is one at least. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,15}$/.test(text) || count === 0)
    throw new InvalidArgumentError("expected a whole number above 0");
  return count;
}

export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !(seconds > 0) || !Number.isFinite(seconds))
    throw new InvalidArgumentError("expected a number of seconds above 0");
  return seconds;
}
