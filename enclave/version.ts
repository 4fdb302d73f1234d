/** What `softwareVersionHash` names. Kept in step with package.json by a test. */
export const SOFTWARE_VERSION = "0.1.0";

/** Seconds: this code was not written after it ran, so no true clock shows less. */
export const BUILD_TIME = 1_795_305_600; // 2026-11-22T00:00:00Z
