/** Milliseconds. Chain, enclave and oracle are processes with clocks of their own: tests of them live in real time. */
export function wallClockMs(): number {
  // eslint-disable-next-line no-restricted-properties -- the one place where process tests read the clock
  return Date.now();
}
