/** How this machine reaches the npm registry: all that a walk takes from the environment of whoever starts it. */

const WAYS = /^(?:NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|HTTPS?_PROXY|NO_PROXY|NPM_CONFIG_(?:REGISTRY|CAFILE))$/i;

export function wayToRegistry(): Readonly<Record<string, string>> {
  const found = Object.entries(process.env).filter(([name]) => WAYS.test(name));
  return Object.fromEntries(found.map(([name, value]) => [name, value ?? ""]));
}
