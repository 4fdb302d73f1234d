export const relay = "relay";
