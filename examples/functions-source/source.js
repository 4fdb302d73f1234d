// A source of Chainlink Functions as it always was: two markets, and the mean of their prices in cents.
const [asset] = args;

if (!secrets.marketKey) throw Error("the first market wants a key: set marketKey");

const first = Functions.makeHttpRequest({
  url: "https://one.example/prices",
  headers: { Authorization: `Bearer ${secrets.marketKey}` },
  params: { asset, currency: "usd" },
});
const second = Functions.makeHttpRequest({ url: `https://two.example/tickers/${asset}` });

const prices = [];
for (const response of await Promise.all([first, second])) {
  if (response.error) console.log("a market failed", response.code);
  else prices.push(response.data.price);
}
if (prices.length < 2) throw Error("more than one market failed");

const mean = prices.reduce((sum, price) => sum + price, 0) / prices.length;
return Functions.encodeUint256(Math.round(mean * 100));
