/** Seconds, of `requests.retry_at`: no time of a chain comes up to it, so that what settles the request is left to others. */
export const NEVER = Number.MAX_SAFE_INTEGER;
