import { type KyselyPlugin, type RootOperationNode, sql } from "kysely";
import type { Store } from "../../../oracle/store/store.ts";

/** The database's plan of each query that `ask` makes of the store. */
export async function readPlans(store: Store, ask: (store: Store) => Promise<unknown>): Promise<string[]> {
  const asked: RootOperationNode[] = [];
  const listener: KyselyPlugin = {
    transformQuery: ({ node }) => {
      asked.push(node);
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  await ask({ ...store, db: store.db.withPlugin(listener) });
  return Promise.all(
    asked.map(async (node) => {
      const { sql: text, parameters } = store.db.getExecutor().compileQuery(node, { queryId: "plan" });
      const parts = `explain ${text}`.split(/\$\d+/);
      const { rows } = await sql<Record<string, string>>(
        parts as unknown as TemplateStringsArray,
        ...parameters,
      ).execute(store.db);
      return rows.flatMap((row) => Object.values(row)).join("\n");
    }),
  );
}
