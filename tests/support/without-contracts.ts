/** Preloaded into a command (`--import`): a clone whose contracts nobody has compiled. */

import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier.includes("/contracts/bindings/"))
      throw new Error("the contracts would be compiled for this");
    return nextResolve(specifier, context);
  },
});
