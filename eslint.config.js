import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";

const wallClock = {
  object: "Date",
  property: "now",
  message: "Time is passed in; only */main.ts, cli and devnet read the clock.",
};
const weakRandom = { object: "Math", property: "random", message: "Use node:crypto or a seeded generator." };
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
      "tests/support/boundary-fixture/**",
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
);
