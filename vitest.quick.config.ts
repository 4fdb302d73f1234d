import { defineConfig, mergeConfig } from "vitest/config";
import whole from "./vitest.config.ts";

/** For a contributor's loop: what starts no chain, no enclave's process, no browser, and makes no RSA keys. */
export default mergeConfig(
  whole,
  defineConfig({
    test: {
      exclude: [
        "tests/{browser,chaos,devnet,docs,functions,fuzz,image,integration,vectors}/**",
        "tests/attestation/{amd,azure,nvidia,aws,dstack}/**",
        "tests/attestation/{differential,vectors}.test.ts",
        "tests/cli/{init,stumbles}.test.ts",
        "tests/coprocessor/models/**",
        "tests/cli/{oracle,seal-key,verify}/**",
        "tests/enclave/{bundle,deployment,functions,fuzz,lying-host,process,reproducible-build,trace-headers}.test.ts",
        "tests/enclave/{accounts,api,models,openai}/**",
        "tests/oracle/{deploy,functions,http,store,telemetry,transmitter}/**",
      ],
    },
  }),
);
