/** Posts of the forum: eight by default, for they are proven; `ADYTON_POSTS=1000 npm run test:epochs`. */
export const POSTS = Number(process.env["ADYTON_POSTS"] ?? 8);
