/** Base64: tools/web/inline-bytes.ts. */
declare module "*?bytes" {
  const base64: string;
  export default base64;
}
