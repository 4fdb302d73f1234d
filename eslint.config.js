import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";
import { purpose } from "./tools/lint/purpose.ts";

const wallClock = {
  object: "Date",
  property: "now",
  message: "Time is passed in; only */main.ts, cli and devnet read the clock.",
};
const weakRandom = { object: "Math", property: "random", message: "Use node:crypto or a seeded generator." };
const zodNamespace = {
  selector: "ImportDeclaration[source.value='zod'] > :not(ImportNamespaceSpecifier, Literal)",
  message: 'Write `import * as z from "zod"`: bundlers drop what is not used of it.',
};
const recursiveMkdir = {
  selector: "CallExpression[callee.name=/^mkdir(Sync)?$/] Property[key.name='recursive']",
  message: "Node's recursive mkdir never returns below /proc: use endorsements/files/create-folder.ts.",
};
const environment = {
  object: "process",
  property: "env",
  message: "The environment is read only in config.ts files.",
};

export default tseslint.config(
  {
    ignores: [
      "**/node_modules/**",
      "dist/**",
      "out/**",
      "cache/**",
      "coverage/**",
      "contracts/bindings/**",
      "runtime/agents/sandbox/**",
      "tests/support/boundary-fixture/**",
      // Of workflows: their libraries are not installed here.
      "templates/**",
      ".adyton/**",
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/strict-boolean-expressions": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "no-restricted-properties": ["error", wallClock, weakRandom, environment],
    },
  },
  {
    files: ["*/main.ts", "cli/**", "devnet/**", "tools/**", "bench/**"],
    rules: { "no-restricted-properties": ["error", weakRandom, environment] },
  },
  {
    files: ["**/config.ts"],
    rules: { "no-restricted-properties": ["error", wallClock, weakRandom] },
  },
  {
    files: ["tests/**"],
    rules: {
      "max-lines": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["**/*.js", "**/*.cjs", "**/*.mjs", "tools/solc"],
    ...tseslint.configs.disableTypeChecked,
  },
  prettier,
  {
    // One handwriting; after prettier's, which would turn `curly` off.
    // The build of the contracts is compiled anew when its script changes: it follows with the next change of theirs.
    ignores: ["tools/build-contracts.ts"],
    rules: {
      curly: ["error", "multi-or-nest", "consistent"],
      "no-duplicate-imports": "error",
      "no-restricted-syntax": ["error", zodNamespace, recursiveMkdir],
    },
  },
  {
    // Their folders are their own.
    files: ["tests/**"],
    rules: { "no-restricted-syntax": ["error", zodNamespace] },
  },
  {
    // Tests name their rules themselves.
    files: ["**/*.ts", "**/*.tsx"],
    ignores: ["**/*.test.ts", "**/*.test.tsx"],
    plugins: { adyton: { rules: { purpose } } },
    rules: { "adyton/purpose": "error" },
  },
);
