/** Which model a local network asks, by its environment. */

import { expect, test } from "vitest";
import { chooseModel } from "../../devnet/model-choice.ts";

const NOTHING = { keys: {}, provider: null, modelUrl: null, modelName: null, modelCaFile: null };

const choose = (modelUrl: string, modelName = "m") =>
  chooseModel({ ...NOTHING, modelUrl, modelName }, "/nonexistent");

test.for([
  ["http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"],
  ["http://localhost:11434/v1", "http://127.0.0.1:11434/v1"],
  ["http://[::1]:8080", "http://[::1]:8080"],
] as const)("%s is a model on this machine, asked without TLS", async ([url, endpoint]) => {
  expect(await choose(url)).toMatchObject({
    endpoint,
    standIn: false,
    certificateAuthorities: [],
    providers: { custom: { baseUrl: endpoint, models: { m: { weightsSha256: "0".repeat(64) } } } },
  });
});

test("an https server is asked over TLS, and nobody speaks of weights", async () => {
  const choice = await choose("https://models.example/v1");
  expect(choice).toMatchObject({ endpoint: "https://models.example/v1" });
  expect(choice.providers["custom"]?.models["m"]).not.toHaveProperty("weightsSha256");
  expect(choice.certificateAuthorities.length).toBeGreaterThan(50);
});

test.for(["http://models.example/v1", "http://10.0.0.2:11434/v1", "models.example", "ftp://127.0.0.1/", ""])(
  "%s is refused, with what to write instead",
  async (url) => {
    await expect(choose(url)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  },
);

test.for([
  ["gpt-5.5", "max_completion_tokens"],
  ["openai/gpt-5.6-terra", "max_completion_tokens"],
  ["qwen3:8b", "max_tokens"],
] as const)("%s behind a URL is told its limit as %s", async ([name, tokenLimit]) => {
  const { providers } = await choose("https://models.example/v1", name);
  expect(providers["custom"]).toMatchObject({
    dialect: { tokenLimit, sendsStore: false },
    models: { [name]: { upstreamName: name } },
  });
});

test("every vendor whose key is there can be asked, and each has its own key", async () => {
  const keys = { OPENAI_API_KEY: "o", ANTHROPIC_API_KEY: "a", GEMINI_API_KEY: "g" };
  const choice = await chooseModel({ ...NOTHING, keys }, "/nonexistent");
  expect(Object.keys(choice.providers)).toEqual(["openai", "anthropic", "google"]);
  expect(choice.keys).toEqual({ "openai-key": "o", "anthropic-key": "a", "google-key": "g" });
  expect(choice.models[0]).toBe("openai/gpt-5.6-terra");
});

test("a model that is named with its vendor is asked first", async () => {
  const keys = { OPENAI_API_KEY: "o", ANTHROPIC_API_KEY: "a" };
  const modelName = "anthropic/claude-haiku-5-5";
  const choice = await chooseModel({ ...NOTHING, keys, modelName }, "/nonexistent");
  expect(choice.models[0]).toBe(modelName);
});

test("a provider that the catalogue does not know is refused, with those that it knows", async () => {
  const choice = chooseModel(
    { ...NOTHING, provider: "nobody", modelUrl: "https://a.example" },
    "/nonexistent",
  );
  await expect(choice).rejects.toThrow(/ADYTON_PROVIDER takes one of openai, anthropic/u);
});
