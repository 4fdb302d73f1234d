/** `npm run test:every-bit` flips each bit of a signed region; `npm test` one in seven, so that each byte and each place in it is met. */
export const BIT_STRIDE = process.env["ADYTON_EVERY_BIT"] === undefined ? 7 : 1;
