import { expect, test } from "vitest";
import { CONSUMER, serveIndex, call } from "../support/served-index.ts";

serveIndex();

test("counts what is open, from nothing up, in Prometheus's text", async () => {
  const { text } = await call("/v1/metrics");
  expect(text).toContain('adyton_oracle_requests{chain="1",phase="asked"} 60\n');
  expect(text).toContain('adyton_oracle_requests{chain="1",phase="refused"} 0\n');
  expect(text).not.toContain('phase="settled"');
  expect(text).toContain('adyton_oracle_transactions{chain="1",state="failed"} 0\n');
  expect(text).toContain('adyton_oracle_block{chain="1"} 11\n');
  expect(text).toContain('adyton_oracle_chain_stalled{chain="1"} 0\n');
  expect(text).toContain(`adyton_oracle_key_balance_ether{chain="1",address="${CONSUMER}"} 1.5\n`);
  expect(text).toContain('adyton_oracle_rpc_endpoints{chain="1",state="resting"} 2\n');
  expect(text).toContain("adyton_oracle_dead_letters 2\n");
  expect(text).toContain('adyton_oracle_oldest_unsettled_seconds{chain="1"} 60\n');
  expect(text).toContain('adyton_oracle_oldest_transaction_seconds{chain="1"} 0\n');
  expect(text).toContain("adyton_oracle_store_writable 1\n");
  expect(text).toContain("adyton_oracle_store_free_bytes 3000000000\n");
  expect(text).toContain("adyton_oracle_archived_total 40\n");
  expect(text).toContain("adyton_oracle_archive_failures_total 1\n");
  expect(text).toContain('adyton_oracle_admission_left_seconds{chain="1"} 540\n');
  expect(text).toContain('adyton_oracle_rpc_exchanges_total{chain="1",endpoint="rpc.example"} 7\n');
  expect(text).toContain('adyton_oracle_rpc_failures_total{chain="1",endpoint="rpc.example"} 2\n');
  expect(text).toContain('adyton_oracle_rpc_seconds_total{chain="1",endpoint="rpc.example"} 1.5\n');
  expect(text).toContain(`adyton_oracle_payee_credit_ether{chain="1",payee="${CONSUMER}"} 1\n`);
});

test("counts what has ended since the process started, whatever the store holds", async () => {
  const { text } = await call("/v1/metrics");
  expect(text).toContain('adyton_oracle_settlements_total{chain="1",kind="fulfilled"} 2\n');
  expect(text).toContain('adyton_oracle_settlements_total{chain="1",kind="refunded"} 0\n');
  expect(text).toContain('adyton_oracle_answers_total{chain="1",status="2"} 1\n');
  expect(text).toContain('adyton_oracle_answers_total{chain="1",status="1"} 0\n');
  expect(text).not.toContain('chain="2"');
});

test("gives durations as a cumulative histogram", async () => {
  const { text } = await call("/v1/metrics");
  const line = (suffix: string, labels: string, value: number): string =>
    `adyton_oracle_span_seconds${suffix}{span="request",chain="1",outcome="fulfilled"${labels}} ${value}\n`;
  expect(text).toContain(line("_bucket", ',le="0.1"', 0));
  expect(text).toContain(line("_bucket", ',le="0.25"', 1));
  expect(text).toContain(line("_bucket", ',le="900"', 1));
  expect(text).toContain(line("_bucket", ',le="+Inf"', 2));
  expect(text).toContain(line("_sum", "", 5_000.2));
  expect(text).toContain(line("_count", "", 2));
});
