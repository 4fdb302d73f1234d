/** Seconds since the epoch, by this machine's clock: for what a person at the terminal does now. */
export const wallClock = (): number => Math.floor(Date.now() / 1000);
