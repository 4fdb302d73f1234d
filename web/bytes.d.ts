/** Deflated, in base64: tools/web/inline-bytes.ts. */
declare module "*?bytes" {
  const deflated: string;
  export default deflated;
}
