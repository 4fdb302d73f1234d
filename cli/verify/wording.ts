/** Words and widths that verdicts and inspections share. */

const TITLES: Readonly<Record<string, string>> = {
  sgx: "Intel SGX quote: an enclave inside an Intel processor",
  tdx: "Intel TDX quote: a virtual machine that an Intel processor isolates from its host",
  snp: "AMD SEV-SNP report: a virtual machine that an AMD processor isolates from its host",
  nitro: "AWS Nitro attestation document: an enclave on an EC2 instance",
  nvidia: "NVIDIA device evidence: GPUs or switches in confidential computing mode",
  azureSnp: "Azure vTPM evidence on AMD SEV-SNP: a confidential virtual machine of Azure",
  azureTdx: "Azure vTPM evidence on Intel TDX: a confidential virtual machine of Azure",
  dstack: "dstack guest on Intel TDX: an application in a virtual machine isolated from its host",
  nitroTpm: "AWS NitroTPM document: an EC2 instance, whose memory is NOT encrypted against its host",
  dstackSnp: "dstack guest on AMD SEV-SNP: an application in a virtual machine isolated from its host",
  dstackNitro: "dstack guest in an AWS Nitro enclave: an application on an EC2 instance",
  dstackNitroTpm: "dstack guest with an AWS NitroTPM: memory is NOT encrypted against its host",
  simulator: "SIMULATED evidence: no hardware stands behind it, anyone can make it",
  certificate: "Certificate",
  receipt: "Receipt: an answer, and everything needed to check it",
  coseReceipt: "Receipt twin: the statement of an answer in COSE",
  unknown: "Nothing recognised here",
};

export function titleOf(kind: string): string {
  return TITLES[kind] ?? kind;
}

/** Columns of a line, also where the output is no terminal: a report in a log or a mail is read like one on a screen. */
export const LINE_COLUMNS = 80;

/** Digits from which a value in hex is shown by its first 8 and last 4. */
const LONG_DIGITS = /\b(?:0x)?[0-9a-f]{33,}\b/g;

export function shortenDigests(text: string): string {
  return text.replaceAll(LONG_DIGITS, (hex) => {
    const digits = hex.startsWith("0x") ? hex.slice(2) : hex;
    return `${digits.slice(0, 8)}…${digits.slice(-4)}`;
  });
}
