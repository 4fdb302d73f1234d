import { sha384 } from "./digest.ts";

/** SEV-SNP ABI (56860), §8.17.2, PAGE_INFO. */
export const PageType = { normal: 1, vmsa: 2, zero: 3, unmeasured: 4, secrets: 5, cpuid: 6 } as const;
type PageType = (typeof PageType)[keyof typeof PageType];

const PAGE_INFO_LENGTH = 0x70;
const PAGE = 4096;
/** What stands in place of the digest of a page whose content is not measured. */
const NO_CONTENT = new Uint8Array(48);

/** The launch digest as pages are added: each is hashed together with the digest before it. */
export class PageDigest {
  value: Uint8Array;

  constructor(value: Uint8Array = new Uint8Array(48)) {
    this.value = value;
  }

  add(type: PageType, gpa: bigint, contentDigest: Uint8Array = NO_CONTENT): void {
    const info = Buffer.alloc(PAGE_INFO_LENGTH);
    info.set(this.value, 0);
    info.set(contentDigest, 48);
    info.writeUInt16LE(PAGE_INFO_LENGTH, 96);
    info.writeUInt8(type, 98);
    info.writeBigUInt64LE(gpa, 104);
    this.value = sha384(info);
  }

  /** @param content measured bytes, or the length of a region whose content is not */
  addAll(type: PageType, gpa: number, content: Uint8Array | number): void {
    const length = typeof content === "number" ? content : content.length;
    for (let at = 0; at < length; at += PAGE) {
      this.add(
        type,
        BigInt(gpa + at),
        typeof content === "number" ? NO_CONTENT : sha384(content.subarray(at, at + PAGE)),
      );
    }
  }
}
