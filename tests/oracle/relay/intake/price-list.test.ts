import { describe, expect, test } from "vitest";
import {
  checkPriceList,
  coversGas,
  listedFee,
  type PriceList,
} from "../../../../oracle/relay/intake/price-list.ts";
import { type Hex, toHex } from "../../../../protocol/bytes.ts";
import { encodePayload, PayloadType } from "../../../../protocol/payload.ts";
import { OutputKind, PanelRule, PROVIDER_DEFAULT_SAMPLING, Role } from "../../../../protocol/prompt.ts";
import type { Request } from "../../../../protocol/request.ts";
import { codeOf } from "../../../support/code-of.ts";

const GWEI = 10n ** 9n;
const LIST: PriceList = {
  models: {
    "openai/dear": { perRequest: 1_000n, perPayloadByte: 10n, perOutputToken: 100n },
    "*": { perRequest: 7n, perPayloadByte: 0n, perOutputToken: 1n },
  },
  gasPricePercent: 120,
};

function question(...models: string[]): Hex {
  const panel = models.length > 1;
  const payload = encodePayload({
    type: PayloadType.inference,
    prompt: {
      models,
      panelRule: panel ? PanelRule.majority : PanelRule.none,
      panelQuorum: panel ? models.length : 0,
      messages: [{ role: Role.user, content: "Is it so?" }],
      maxOutputTokens: 50,
      sampling: PROVIDER_DEFAULT_SAMPLING,
      format: { kind: OutputKind.text, schema: "", choices: [] },
      parts: [],
    },
  });
  return toHex(payload);
}

const sizeOf = (payload: Hex): bigint => BigInt((payload.length - 2) / 2);
const terms = { threshold: 1, maxOutputBytes: 300 };
const request = (change: Partial<Request>): Request => ({ ...terms, fee: 0n, ...change }) as Request;

describe("the fee that the list asks for", () => {
  test("is by the request, the payload's bytes and the tokens that the model may write", () => {
    const payload = question("openai/dear");
    expect(listedFee(LIST, terms, payload)).toBe(1_000n + 10n * sizeOf(payload) + 5_000n);
  });

  test("is of every member of a panel, for each of the answers", () => {
    const payload = question("openai/dear", "openai/other", "openai/dear");
    const once = 2n * (1_000n + 10n * sizeOf(payload) + 5_000n) + 57n;
    expect(listedFee(LIST, terms, payload)).toBe(once);
    expect(listedFee(LIST, { ...terms, threshold: 3 }, payload)).toBe(3n * once);
  });

  test("is nothing for a model that the list does not name", () => {
    const list = { ...LIST, models: { "openai/dear": LIST.models["openai/dear"]! } };
    expect(listedFee(list, terms, question("openai/other"))).toBe(0n);
  });

  test.for<[string, Hex]>([
    ["sealed", "0x0401aabb"],
    ["for off-chain callers", "0x03017b7d"],
    ["not to be read", "0x0101ffff"],
    ["elsewhere", "0x"],
  ])("goes by the longest output for a question that is %s", ([, payload]) => {
    expect(listedFee(LIST, terms, payload)).toBe(307n);
  });
});

describe("a request", () => {
  const payload = question("openai/dear");
  const listed = listedFee(LIST, terms, payload);

  test("that offers what is listed is served, one wei less is not", () => {
    expect(() => {
      checkPriceList(LIST, request({ fee: listed }), payload);
    }).not.toThrow();
    expect(
      codeOf(() => {
        checkPriceList(LIST, request({ fee: listed - 1n }), payload);
      }),
    ).toBe("INPUT_FEE_TOO_LOW");
  });

  test.for([
    [120n * GWEI, 100n * GWEI, true],
    [120n * GWEI - 1n, 100n * GWEI, false],
    [0n, 1n, false],
    [0n, undefined, true],
  ] as const)("that repays %d wei per gas at a base fee of %d: %s", ([gasPriceCap, baseFee, covered]) => {
    expect(coversGas(LIST, request({ gasPriceCap }), baseFee)).toBe(covered);
  });
});
