export { relay } from "../oracle/relay.ts";
