/**
 * dstack's application manifest, whose SHA-256 is the compose hash.
 * Source: github.com/Dstack-TEE/dstack, dstack-types, `AppCompose` (manifest version 2, dstack 0.5).
 */

import * as z from "zod";

/** Field for field, with dstack's names. dstack ignores fields that it does not know; here they are mistakes and refused. */
const AppCompose = z
  .strictObject({
    manifest_version: z.literal(2),
    name: z.string().min(1),
    runner: z.literal("docker-compose"),
    docker_compose_file: z.string().min(1),
    features: z.array(z.string()).optional(),
    public_logs: z.boolean(),
    public_sysinfo: z.boolean(),
    public_tcbinfo: z.boolean(),
    kms_enabled: z.boolean(),
    gateway_enabled: z.boolean(),
    local_key_provider_enabled: z.boolean(),
    key_provider: z.enum(["none", "kms", "local", "tpm"]),
    key_provider_id: z.string().regex(/^(?:[0-9a-f]{2})*$/),
    allowed_envs: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/)),
    no_instance_id: z.boolean(),
    secure_time: z.boolean(),
  })
  // dstack-types, `AppCompose::key_provider`: the older switches win where they are set.
  .refine(
    ({ key_provider: provider, kms_enabled: kms, local_key_provider_enabled: local }) =>
      kms === (provider === "kms") && local === (provider === "local"),
    { error: "the key provider and the switches that came before it say different things" },
  );
export type AppCompose = z.infer<typeof AppCompose>;

/** Nothing of the host's gets in: no environment, no script, no gateway that ends TLS, no key but those born inside. */
export function enclaveAppCompose(compose: string): AppCompose {
  return AppCompose.parse({
    manifest_version: 2,
    name: "adyton-enclave",
    runner: "docker-compose",
    docker_compose_file: compose,
    public_logs: false,
    public_sysinfo: false,
    public_tcbinfo: true,
    kms_enabled: false,
    gateway_enabled: false,
    local_key_provider_enabled: false,
    key_provider: "none",
    key_provider_id: "",
    allowed_envs: [],
    no_instance_id: false,
    secure_time: false,
  });
}
