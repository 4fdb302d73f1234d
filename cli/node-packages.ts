/** The libraries that only a node needs: adyton-node brings them, adyton alone does not. */

/**
 * Called before anything is started: of a child process the failure would be a stack in a log.
 *
 * @throws ERR_MODULE_NOT_FOUND, of which `report` makes a sentence
 */
export function requireNodePackages(): void {
  import.meta.resolve("pg-boss");
}
