/** The smallest images and document of each type, in base64: their first bytes are what is looked at. */

const base64 = (...parts: readonly (string | number[])[]): string =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))),
  ).toString("base64");

/** One black point. */
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const IMAGES = {
  "image/png": PNG,
  "image/jpeg": base64([0xff, 0xd8, 0xff, 0xe0], "\0\x10JFIF\0"),
  "image/webp": base64("RIFF", [26, 0, 0, 0], "WEBPVP8L"),
} as const;
export const DOCUMENT = base64("%PDF-1.7\n%%EOF\n");
