/**
 * What vendors say about their platforms, each read once and kept: pass the same object to every verification, so
 * that signatures over endorsements are checked once and not per quote. A kind whose endorsements are missing is
 * ENDORSEMENT_UNAVAILABLE; evidence that carries its own needs none.
 */
// One property per vendor; each vendor's folder defines its own type.
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface Endorsements {}
