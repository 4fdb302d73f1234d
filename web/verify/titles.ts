/** Kinds in the fewest words. */

const TITLES: Readonly<Record<string, string>> = {
  sgx: "Intel SGX",
  tdx: "Intel TDX",
  snp: "AMD SEV-SNP",
  nitro: "AWS Nitro",
  nitroTpm: "AWS NitroTPM",
  nvidia: "NVIDIA",
  azureSnp: "Azure on AMD SEV-SNP",
  azureTdx: "Azure on Intel TDX",
  dstack: "dstack on Intel TDX",
  dstackSnp: "dstack on AMD SEV-SNP",
  dstackNitro: "dstack on AWS Nitro",
  dstackNitroTpm: "dstack on AWS NitroTPM",
  simulator: "Simulator, no chip",
  certificate: "Certificate",
  receipt: "Receipt",
  coseReceipt: "Receipt, COSE twin",
};

export function shortTitle(kind: string): string {
  return TITLES[kind] ?? kind;
}
