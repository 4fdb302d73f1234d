/** Which model a local network asks, by its environment. */

import { expect, test } from "vitest";
import { chooseModel } from "../../devnet/model-choice.ts";

const choose = (modelUrl: string) =>
  chooseModel({ modelKey: null, modelUrl, modelName: "m", modelCaFile: null }, "/nonexistent");

test.for([
  ["http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"],
  ["http://localhost:11434/v1", "http://127.0.0.1:11434/v1"],
  ["http://[::1]:8080", "http://[::1]:8080"],
] as const)("%s is a model on this machine, asked without TLS", async ([url, endpoint]) => {
  expect(await choose(url)).toMatchObject({
    endpoint,
    standIn: false,
    certificateAuthorities: [],
    weightsSha256: "0".repeat(64),
  });
});

test("an https server is asked over TLS, and nobody speaks of weights", async () => {
  const choice = await choose("https://models.example/v1");
  expect(choice).toMatchObject({ endpoint: "https://models.example/v1", weightsSha256: null });
  expect(choice.certificateAuthorities.length).toBeGreaterThan(50);
});

test.for(["http://models.example/v1", "http://10.0.0.2:11434/v1", "models.example", "ftp://127.0.0.1/", ""])(
  "%s is refused, with what to write instead",
  async (url) => {
    await expect(choose(url)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  },
);
