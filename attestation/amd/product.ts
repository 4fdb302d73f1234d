/**
 * Product lines of EPYC with SEV-SNP. One line, one root key: Bergamo and Siena are Genoa's, Turin Dense is Turin's.
 *
 * Source: AMD 57230 (VCEK certificate and KDS interface), product names; AMD 55898 and 57238 (PPR) for CPUID Fn0000_0001_EAX.
 */

export type SnpProductLine = "Milan" | "Genoa" | "Turin";

interface CpuidRange {
  /** Extended family plus base family, as the report gives it. */
  readonly family: number;
  readonly models: readonly (readonly [first: number, last: number])[];
}

const CPUID: Readonly<Record<SnpProductLine, CpuidRange>> = {
  Milan: { family: 0x19, models: [[0x00, 0x0f]] },
  Genoa: {
    family: 0x19,
    models: [
      [0x10, 0x1f],
      [0xa0, 0xaf],
    ],
  },
  Turin: { family: 0x1a, models: [[0x00, 0x1f]] },
};

/** Whether a report's CPUID family and model belong to `productLine`. */
export function isCpuidOf(
  productLine: SnpProductLine,
  cpuid: { readonly family: number; readonly model: number },
): boolean {
  const range = CPUID[productLine];
  return (
    cpuid.family === range.family &&
    range.models.some(([first, last]) => cpuid.model >= first && cpuid.model <= last)
  );
}

const LINE_BY_NAME: ReadonlyMap<string, SnpProductLine> = new Map([
  ["Milan", "Milan"],
  ["Genoa", "Genoa"],
  ["Bergamo", "Genoa"],
  ["Siena", "Genoa"],
  ["Turin", "Turin"],
]);

/** The line of a certificate's product name ("Milan-B0", "Genoa"), or undefined. The part after the dash is a stepping. */
export function toProductLine(productName: string): SnpProductLine | undefined {
  const [, name = ""] = /^([A-Za-z]+)(?:-[A-Z][0-9])?$/.exec(productName) ?? [];
  return LINE_BY_NAME.get(name);
}
