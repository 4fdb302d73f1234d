export const load = () => import("../../oracle/relay.ts");
