import { defineConfig, mergeConfig } from "vitest/config";
import { startingTests } from "./tests/support/starting-tests.ts";
import whole from "./vitest.config.ts";

/** For a contributor's loop: what starts no chain, no process, no store and no browser; nor what makes RSA keys, or tries bytes by the thousand. */
export default mergeConfig(
  whole,
  defineConfig({
    test: {
      exclude: [
        ...startingTests(),
        "tests/{docs,fuzz,image}/**",
        "tests/attestation/{amd,azure,nvidia,aws,dstack}/**",
        "tests/attestation/{differential,vectors}.test.ts",
        "tests/cli/{oracle,verify}/**",
        "tests/enclave/{accounts,api,models,openai}/**",
        "tests/oracle/{deploy,functions,http,telemetry,transmitter}/**",
      ],
    },
  }),
);
