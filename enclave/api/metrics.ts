import type { RequestHandler } from "express";

/** Seconds: upper ends of the duration histogram; models answer in between. */
const BUCKETS = [0.05, 0.25, 1, 5, 15, 60] as const;

/** Routes by name. Anything else is `other`, so that paths, which callers choose, are never in a label. */
const ROUTES: readonly (readonly [RegExp, string])[] = [
  [/^\/v1\/answers/, "answers"],
  [/^\/v1\/batches/, "batches"],
  [/^\/v1\/functions\/answers/, "functions"],
  [/^\/v1\/chat\/completions/, "chat"],
  [/^\/v1\/responses/, "responses"],
  [/^\/v1\/receipts/, "receipts"],
  [/^\/v1\/log/, "log"],
  [/^\/v1\/attestation/, "attestation"],
  [/^\/v1\/secrets/, "secrets"],
  [/^\/v1\/models/, "models"],
  [/^\/v1\/sealed/, "sealed"],
];

/** Counts and durations by route and HTTP status, in Prometheus' text format. Nothing of a call's content is in it. */
export class Metrics {
  readonly #calls = new Map<string, number>();
  readonly #buckets = new Map<string, number[]>();
  readonly #monotonicMs: () => number;
  #inFlight = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  observe(): RequestHandler {
    return (request, response, next) => {
      const startedMs = this.#monotonicMs();
      const route = ROUTES.find(([pattern]) => pattern.test(request.path))?.[1] ?? "other";
      this.#inFlight += 1;
      response.once("close", () => {
        this.#inFlight -= 1;
        this.#count(route, response.statusCode, (this.#monotonicMs() - startedMs) / 1000);
      });
      next();
    };
  }

  #count(route: string, status: number, seconds: number): void {
    const labels = `route="${route}",status="${status}"`;
    this.#calls.set(labels, (this.#calls.get(labels) ?? 0) + 1);
    const counts = this.#buckets.get(route) ?? BUCKETS.map(() => 0).concat(0);
    this.#buckets.set(
      route,
      counts.map((count, index) => (seconds <= (BUCKETS[index] ?? Infinity) ? count + 1 : count)),
    );
  }

  render(): string {
    const lines = ["# TYPE adyton_enclave_calls_total counter"];
    for (const [labels, count] of this.#calls) lines.push(`adyton_enclave_calls_total{${labels}} ${count}`);
    lines.push("# TYPE adyton_enclave_call_seconds histogram");
    for (const [route, counts] of this.#buckets) {
      counts.forEach((count, index) => {
        const end = BUCKETS[index]?.toString() ?? "+Inf";
        lines.push(`adyton_enclave_call_seconds_bucket{route="${route}",le="${end}"} ${count}`);
      });
    }
    lines.push(
      "# TYPE adyton_enclave_calls_in_flight gauge",
      `adyton_enclave_calls_in_flight ${this.#inFlight}`,
    );
    return `${lines.join("\n")}\n`;
  }
}
